import type { Problems } from './problems.ts'
import { type Path, positionOf, type Source, spell } from './source.ts'

/** Reports every text that stands in more than one of the places, at the second place and after. */
export function reportDuplicates(
  source: Source,
  places: readonly { readonly path: Path; readonly text: string }[],
  problems: Problems,
): void {
  const first = new Map<string, Path>()
  for (const { path, text } of places) {
    const earlier = first.get(text)
    if (earlier === undefined) first.set(text, path)
    else problems.add(source, path, `"${text}" is the name of ${spell(earlier.slice(0, -1))} already`)
  }
}

/** A place in words: `partners.d/beta.yaml:2:10`. */
export function place(source: Source, path: Path): string {
  const { line, column } = positionOf(source, path)
  return `${source.file}:${line}:${column}`
}

import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const name = 'phases.json'

/** The phases in which partners were when the gateway was last looking, so that a change meanwhile is seen as one. */
export async function readPhases(directory: string | undefined): Promise<ReadonlyMap<string, string>> {
  if (directory === undefined) return new Map()
  try {
    const value: unknown = JSON.parse(await readFile(join(directory, name), 'utf8'))
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch {
    // The first start, or a file that is lost: then no change is known.
    return new Map()
  }
}

/** Throws what the file system throws. */
export async function writePhases(directory: string | undefined, phases: ReadonlyMap<string, string>): Promise<void> {
  if (directory === undefined) return
  const file = join(directory, name)
  await writeFile(`${file}.new`, `${JSON.stringify(Object.fromEntries(phases))}\n`)
  await rename(`${file}.new`, file)
}

import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'

/** A manifest as Kubernetes or compose has it; tests look at parts of it. */
// biome-ignore lint/suspicious/noExplicitAny: files of other programs, whose shapes are theirs.
export type Manifest = any

/** All documents of a file. Throws for what is no YAML, keys that are there twice included. */
export function documentsOf(file: string): readonly Manifest[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => {
    const [error] = document.errors
    if (error) throw new Error(`${file}: ${error.message}`)
    return document.toJS()
  })
}

import type { FileSystem } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { type Border, createBorder } from './border.ts'
import { confined } from './confined.ts'
import { rooted } from './rooted.ts'

/** A folder of a backend that a login sees. */
export interface Part {
  /** With the folder as `/`. */
  readonly files: FileSystem
  /** All that there is on the backend, and how a path of this part is called there. */
  readonly whole: FileSystem
  inward(path: ByteString): ByteString
  /** Undefined where links may lead anywhere. */
  readonly border: Border | undefined
}

/** What is below `root`; links are followed no further than that, unless the operator wants it. */
export function partOf(whole: FileSystem, root: ByteString, symlinks: 'inside' | 'follow'): Part {
  const base = root.replace(/\/+$/, '')
  const border = base === '' || symlinks === 'follow' ? undefined : createBorder(whole, base)
  return {
    files: rooted(border ? confined(whole, border) : whole, root),
    whole,
    inward: (path) => (path === '/' ? root : base + path),
    border,
  }
}

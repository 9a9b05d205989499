import { createHash } from 'node:crypto'
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestUser } from '../support/ground.ts'

/** Many files of 4 KiB, all different. */
export interface SmallFiles {
  readonly names: readonly string[]
  /** Where the client has them; the same ones are in `small` in sshd's home. */
  readonly folder: string
  /** Of names and contents. */
  readonly digest: string
}

const fileBytes = 4096

export function makeSmallFiles(folder: string, home: string, user: TestUser, count: number): SmallFiles {
  const names = Array.from({ length: count }, (_, i) => `small-${String(i).padStart(6, '0')}`)
  const [here, there] = [join(folder, `small-${count}`), join(home, 'small')]
  for (const parent of [here, there]) {
    emptyFolder(parent)
    for (const name of names) writeFileSync(join(parent, name), content(name))
  }
  chownSync(there, user.uid, user.gid)
  return { names, folder: here, digest: folderDigest(here) }
}

/** Makes `large` in sshd's home. */
export function makeLargeDirectory(home: string, user: TestUser, entries: number): void {
  const folder = join(home, 'large')
  mkdirSync(folder)
  for (let i = 0; i < entries; i++) writeFileSync(join(folder, `entry-${String(i).padStart(6, '0')}.txt`), '')
  chownSync(folder, user.uid, user.gid)
}

/** A folder with nothing in it, whatever it was before. */
export function emptyFolder(path: string, owner?: TestUser): string {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path)
  if (owner) chownSync(path, owner.uid, owner.gid)
  return path
}

export function folderDigest(folder: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)))
  return hash.digest('hex')
}

function content(name: string): Buffer {
  const seed = createHash('sha256').update(name).digest()
  return Buffer.alloc(fileBytes, seed)
}

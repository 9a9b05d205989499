import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type ByteString, toBuffer } from '../../src/ftp/bytes.ts'
import type { TestUser } from '../support/ground.ts'
import type { Disk, Rights } from './candidate.ts'

/** A folder of this machine, which the server under test serves to this user. */
export function diskOf(folder: string, owner: Pick<TestUser, 'uid' | 'gid'>): Disk {
  const place = (path: ByteString) => toBuffer(`${folder}/${path}`)
  const grant = (path: Buffer, { foreign = false, mode }: Rights) => {
    if (!foreign) chownSync(path, owner.uid, owner.gid)
    if (mode !== undefined) chmodSync(path, mode)
  }
  return {
    file(path, content, rights = {}) {
      writeFileSync(place(path), content)
      grant(place(path), rights)
    },
    directory(path, rights = {}) {
      mkdirSync(place(path), { recursive: true })
      grant(place(path), rights)
    },
    link: (path, target) => symlinkSync(toBuffer(target), place(path)),
    content: (path) => readFileSync(place(path)),
    snapshot: () => entriesBelow(folder).map((path) => describe(place(path), path)),
  }
}

/** Paths relative to the folder, folders before what is in them. */
function entriesBelow(folder: string, below: ByteString = ''): ByteString[] {
  const entries = readdirSync(toBuffer(`${folder}/${below}`), { withFileTypes: true, encoding: 'latin1' })
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      return entry.isDirectory() ? [path, ...entriesBelow(folder, path)] : [path]
    })
}

function describe(place: Buffer, path: ByteString): string {
  const stats = lstatSync(place)
  // A directory's own time changes with what was made in it and removed again.
  const time = stats.isDirectory() ? '' : stats.mtimeMs
  const target = stats.isSymbolicLink() ? readlinkSync(place, 'latin1') : ''
  return [path, stats.mode.toString(8), stats.isDirectory() ? '' : stats.size, time, target].join(' ')
}

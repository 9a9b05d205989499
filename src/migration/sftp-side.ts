import { createHash } from 'node:crypto'
import type { Entry, FileSystem } from '../backend/backend.ts'
import { join } from '../ftp/pathname.ts'
import type { Side, SideEntry } from './side.ts'

/** A login's files on a backend. */
export function sftpSide(name: string, files: FileSystem): Side {
  return {
    name,
    async list(path) {
      const entries: SideEntry[] = []
      for await (const batch of files.list(path)) {
        for (const entry of batch) entries.push(await sideEntry(files, join(path, entry.name), entry))
      }
      return entries
    },
    async hash(path, read) {
      const download = await files.read(path, 0)
      const hash = createHash('sha256')
      try {
        for await (const chunk of download.content) {
          hash.update(chunk)
          read(chunk.length)
          download.recycle?.(chunk)
        }
      } finally {
        await download.close()
      }
      return hash.digest('hex')
    },
    close: () => files.close(),
  }
}

/** FTP servers show where a link leads, so that is what is compared. */
async function sideEntry(files: FileSystem, path: string, { name, ...entry }: Entry): Promise<SideEntry> {
  if (entry.type !== 'symlink') return sideOf(name, entry)
  const target = await files.stat(path).catch(() => undefined)
  return {
    ...(target ? sideOf(name, target) : { name, type: 'other', size: undefined, modified: undefined }),
    linked: true,
  }
}

function sideOf(name: string, { type, size, modified }: Omit<Entry, 'name'>): SideEntry {
  const known = type === 'file' || type === 'directory' ? type : 'other'
  return { name, type: known, size: known === 'file' ? size : undefined, modified }
}

import { randomBytes } from 'node:crypto'
import type { ByteString } from '../../ftp/bytes.ts'
import { isDirectory } from './entry.ts'
import { explain, whyRenameFailed } from './explain.ts'
import type { SftpClient } from './sftp-client.ts'
import { extension } from './wire.ts'

type RenameClient = Pick<SftpClient, 'offers' | 'posixRename' | 'rename' | 'lstat' | 'stat' | 'remove'>

/**
 * Renames, replacing an existing file as Unix FTP servers do (clients upload to a temporary name and rename over).
 * With posix-rename it is one step. Without, RENAME refuses an existing target (draft section 6.5): then the target is
 * moved aside, the source takes its name, and the old file is removed; if the second step fails the old file goes back.
 * A connection that is lost just between these steps leaves the name free and the old file as `.<8 hex>.old`: no server
 * without posix-rename can do better, and the operator is told that it is one.
 * Renaming a path to itself does nothing: Win32-OpenSSH deletes the file (its issue 1849).
 */
export async function renameOver(client: RenameClient, from: ByteString, to: ByteString): Promise<void> {
  if (from === to) return void (await client.lstat(from))
  try {
    if (client.offers(extension.posixRename)) await client.posixRename(from, to)
    else await client.rename(from, to).catch((error) => swap(client, from, to, error))
  } catch (error) {
    throw await explain(client, error, whyRenameFailed(to))
  }
}

async function swap(client: RenameClient, from: ByteString, to: ByteString, error: unknown): Promise<void> {
  const target = await client.lstat(to).catch(() => undefined)
  if (!target || isDirectory(target)) throw error
  // Without a source there is nothing to put in the target's place.
  await client.lstat(from)
  const aside = `${to.slice(0, to.lastIndexOf('/') + 1)}.${randomBytes(4).toString('hex')}.old`
  await client.rename(to, aside)
  try {
    await client.rename(from, to)
  } catch (cause) {
    // If that fails too, the old file is kept under its other name; the first failure is the one to tell.
    await client.rename(aside, to).catch(() => {})
    throw cause
  }
  // The new file is in place: what cannot be tidied up is no failure of the rename.
  await client.remove(aside).catch(() => {})
}

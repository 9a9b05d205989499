import { randomBytes } from 'node:crypto'
import type { ByteString } from '../../ftp/bytes.ts'
import { isDirectory } from './entry.ts'
import { explain, whyRenameFailed } from './explain.ts'
import type { SftpClient } from './sftp-client.ts'
import { extension } from './wire.ts'

/**
 * Renames, replacing an existing file as Unix FTP servers do (clients upload to a temporary name and rename over).
 * With posix-rename it is one step. Without, RENAME refuses an existing target (draft section 6.5): then the target is
 * moved aside, the source takes its name, and the old file is removed; if the second step fails the old file goes back.
 * Renaming a path to itself does nothing: Win32-OpenSSH deletes the file (its issue 1849).
 */
export async function renameOver(client: SftpClient, from: ByteString, to: ByteString): Promise<void> {
  if (from === to) return void (await client.lstat(from))
  try {
    if (client.offers(extension.posixRename)) await client.posixRename(from, to)
    else await client.rename(from, to).catch((error) => swap(client, from, to, error))
  } catch (error) {
    throw await explain(client, error, whyRenameFailed(to))
  }
}

async function swap(client: SftpClient, from: ByteString, to: ByteString, error: unknown): Promise<void> {
  const target = await client.lstat(to).catch(() => undefined)
  if (!target || isDirectory(target)) throw error
  // Without a source there is nothing to put in the target's place.
  await client.lstat(from)
  const aside = `${to.slice(0, to.lastIndexOf('/') + 1)}.${randomBytes(4).toString('hex')}.old`
  await client.rename(to, aside)
  try {
    await client.rename(from, to)
  } catch (cause) {
    await client.rename(aside, to)
    throw cause
  }
  await client.remove(aside)
}

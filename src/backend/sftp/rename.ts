import { randomBytes } from 'node:crypto'
import type { ByteString } from '../../ftp/bytes.ts'
import { isDirectory } from './entry.ts'
import { explain, whyRenameFailed } from './explain.ts'
import { isUnsupported } from './failures.ts'
import type { Server } from './server.ts'
import type { SftpClient } from './sftp-client.ts'

type RenameClient = Pick<SftpClient, 'posixRename' | 'rename' | 'lstat' | 'stat' | 'remove'>
type RenameServer = Pick<Server, 'can' | 'learn'>

/**
 * Renames, replacing an existing file as Unix FTP servers do (clients upload to a temporary name and rename over).
 * With posix-rename it is one step. Without, RENAME refuses an existing target (draft section 6.5): then the target is
 * moved aside, the source takes its name, and the old file is removed; if the second step fails the old file goes back.
 * A connection that is lost just between these steps leaves the name free and the old file as `.<8 hex>.old`: no server
 * without posix-rename can do better, and the operator is told that it is one. Where even that is not wanted (`plain`, `none`),
 * an existing target is a failure.
 * Renaming a path to itself does nothing: Win32-OpenSSH deletes the file (its issue 1849).
 */
export async function renameOver(
  client: RenameClient,
  server: RenameServer,
  from: ByteString,
  to: ByteString,
): Promise<void> {
  if (from === to) return void (await client.lstat(from))
  try {
    if (server.can.rename === 'posix' && (await inOneStep(client, server, from, to))) return
    const { rename } = server.can
    await client.rename(from, to).catch((error) => {
      if (rename === 'plain' || rename === 'none') throw error
      return swap(client, from, to, error)
    })
  } catch (error) {
    throw await explain(client, error, whyRenameFailed(to))
  }
}

/** False, and learned, when the server does not know the extension after all. */
async function inOneStep(
  client: RenameClient,
  server: RenameServer,
  from: ByteString,
  to: ByteString,
): Promise<boolean> {
  try {
    await client.posixRename(from, to)
    return true
  } catch (error) {
    if (!isUnsupported(error)) throw error
    server.learn({ rename: 'swap' })
    return false
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

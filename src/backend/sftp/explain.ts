import type { ByteString } from '../../ftp/bytes.ts'
import { BackendError, type FailureKind } from '../backend.ts'
import { isDirectory } from './entry.ts'
import { asBackendError, isLost, SftpStatusError } from './failures.ts'
import type { SftpClient, Space } from './sftp-client.ts'
import { extension, status } from './wire.ts'

/*
 * OpenSSH answers FAILURE to almost everything: an existing file, a full disk, a directory in the way. One look more, only
 * after a failure, finds out which it was. When the look fails too, the first error stands; but a server that was lost
 * meanwhile may say something else the next time.
 */

type Look<C = SftpClient> = (client: C) => Promise<FailureKind | undefined>

/** The error with the kind that a second look finds. */
export async function explain<C>(client: C, error: unknown, look: Look<C>): Promise<BackendError> {
  const first = asBackendError(error, 'sftp')
  if (!(first instanceof SftpStatusError) || first.code !== status.failure) return first
  const told = /quota/i.test(first.message) ? 'quotaExceeded' : /no space/i.test(first.message) ? 'noSpace' : undefined
  const kind = told ?? (await look(client).catch(lost))
  return kind === undefined ? first : new BackendError(kind, first.message, { cause: first })
}

function lost(error: unknown): FailureKind | undefined {
  return isLost(error) ? error.kind : undefined
}

function unlessLost(error: unknown): undefined {
  if (isLost(error)) throw error
}

export const whyOpenFailed =
  (path: ByteString): Look =>
  async (client) => {
    const attrs = await client.stat(path).catch(unlessLost)
    if (attrs && isDirectory(attrs)) return 'isADirectory'
    return isFull(await spaceAt(client, path), 1) ? 'noSpace' : undefined
  }

/** `length`: bytes of the write that failed. */
export const whyWriteFailed =
  (path: ByteString, length: number): Look =>
  async (client) =>
    isFull(await spaceAt(client, path), length) ? 'noSpace' : undefined

export const whyMakeDirectoryFailed =
  (path: ByteString): Look =>
  async (client) => {
    await client.lstat(path)
    return 'alreadyExists'
  }

export const whyRemoveDirectoryFailed =
  (path: ByteString): Look =>
  async (client) => {
    if (!isDirectory(await client.lstat(path))) return 'notADirectory'
    const handle = await client.opendir(path)
    try {
      const names = (await client.readdir(handle)) ?? []
      return names.some(({ filename }) => filename !== '.' && filename !== '..') ? 'directoryNotEmpty' : undefined
    } finally {
      await client.close(handle)
    }
  }

export const whyRemoveFailed =
  (path: ByteString): Look =>
  async (client) =>
    isDirectory(await client.lstat(path)) ? 'isADirectory' : undefined

export const whyRenameFailed =
  (to: ByteString): Look<Pick<SftpClient, 'stat'>> =>
  async (client) =>
    isDirectory(await client.stat(to)) ? 'isADirectory' : undefined

/** Throws BackendError `noSpace` where a file of so many bytes has no room beside a path; a server that does not tell may have. */
export async function checkRoom(client: SftpClient, path: ByteString, bytes: number): Promise<void> {
  const space = await spaceAt(client, path).catch(unlessLost)
  if (isFull(space, bytes)) throw new BackendError('noSpace', `${bytes} bytes are announced, ${space?.bytes} are free`)
}

async function spaceAt(client: SftpClient, path: ByteString): Promise<Space | undefined> {
  if (!client.offers(extension.statvfs)) return undefined
  return client.statvfs(path.slice(0, path.lastIndexOf('/')) || '/')
}

function isFull(space: Space | undefined, bytes: number): boolean {
  return space !== undefined && (space.bytes < bytes || (space.countsFiles && space.files === 0))
}

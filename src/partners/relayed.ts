import { BackendError, type FileSystem } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import type { DialectChanges } from '../ftp/dialect.ts'
import type { Secret } from '../ftp/secret.ts'
import { noFiles } from '../legacy/no-files.ts'
import type { OldServer, OldSession } from '../legacy/old-server.ts'

/** Where logins go that are relayed. */
export interface Relaying {
  readonly oldServers: ReadonlyMap<string, OldServer>
  /** The one of partners that name no other, and of users of no partner. */
  readonly usual: string | undefined
}

/** What goes between two that know each other is theirs: no name is translated. */
const untouched: DialectChanges['names'] = { charset: 'utf-8', backendCharset: 'utf-8', normalize: 'none' }

/** The old server alone says who comes in, by the user name and password that the client has sent, byte for byte. */
export async function logInAt(
  oldServer: OldServer | undefined,
  user: ByteString,
  password: Secret | undefined,
  dialect: DialectChanges,
): Promise<{ readonly files: FileSystem; readonly old: OldSession; readonly dialect: DialectChanges }> {
  if (oldServer === undefined) throw new BackendError('unavailable', 'there is no old server')
  if (password === undefined) throw new BackendError('loginRefused', 'there is no password')
  const old = await oldServer.logIn(user, password)
  return { old, files: noFiles(old), dialect: { ...dialect, names: { ...dialect.names, ...untouched } } }
}

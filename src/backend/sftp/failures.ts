import { printable } from '../../ftp/bytes.ts'
import { BackendError, type FailureKind } from '../backend.ts'
import type { Answer } from './decode.ts'
import { status } from './wire.ts'

/** A STATUS answer other than OK, thrown by the request it answers. The kind is its best reading without a second look. */
export class SftpStatusError extends BackendError {
  /** The SFTP status code; 4 (FAILURE) says nothing, see `explain.ts`. */
  readonly code: number
  constructor(code: number, operation: string, text: string) {
    super(kinds[code] ?? 'failed', `${operation}: SFTP status ${code} ${printable(text)}`)
    this.code = code
  }
}

/** SFTP status -> failure kind. OpenSSH sends 0 to 8 only; Erlang, mod_sftp and Bitvise send later versions' codes too. */
const kinds: Readonly<Record<number, FailureKind>> = {
  [status.eof]: 'failed',
  [status.noSuchFile]: 'notFound',
  [status.permissionDenied]: 'accessDenied',
  [status.failure]: 'failed',
  [status.badMessage]: 'invalidName',
  [status.noConnection]: 'unavailable',
  [status.connectionLost]: 'unavailable',
  [status.opUnsupported]: 'unsupported',
  [status.noSuchPath]: 'notFound',
  [status.fileAlreadyExists]: 'alreadyExists',
  [status.writeProtect]: 'accessDenied',
  [status.noMedia]: 'busy',
  [status.noSpace]: 'noSpace',
  [status.quotaExceeded]: 'quotaExceeded',
  16: 'accessDenied',
  [status.lockConflict]: 'busy',
  [status.dirNotEmpty]: 'directoryNotEmpty',
  [status.notADirectory]: 'notADirectory',
  [status.invalidFilename]: 'invalidName',
  21: 'notFound',
  22: 'accessDenied',
  23: 'invalidName',
  [status.fileIsADirectory]: 'isADirectory',
  25: 'busy',
  26: 'busy',
  27: 'busy',
  29: 'accessDenied',
  30: 'accessDenied',
}

/** The error for an answer that is not of the type a request wants; a wrong type is as bad as a broken connection. */
export function unexpected(answer: Answer, operation: string): BackendError {
  if (answer.type === 'status' && answer.code !== status.ok)
    return new SftpStatusError(answer.code, operation, answer.message)
  return new BackendError('failed', `${operation}: unexpected ${answer.type} answer from the server`)
}

/** The server does not know the request at all, whatever it is asked to do with it. */
export function isUnsupported(error: unknown): boolean {
  return error instanceof SftpStatusError && error.code === status.opUnsupported
}

/** The same, said less clearly: on a handle of our own FAILURE means that the server cannot. */
export function isRefusedAltogether(error: unknown): boolean {
  return isUnsupported(error) || (error instanceof SftpStatusError && error.code === status.failure)
}

/** Any error as a BackendError, the original as its cause. */
export function asBackendError(error: unknown, operation: string): BackendError {
  if (error instanceof BackendError) return error
  const text = error instanceof Error ? error.message : String(error)
  return new BackendError('failed', `${operation}: ${text}`, { cause: error })
}

/** Whether the session has ended, with all that was under way on it; over another one it may go on. */
export function isSessionLost(error: unknown): error is BackendError {
  return isLost(error) && !(error instanceof SftpStatusError)
}

/** Whether the session, or what is behind it, went away. */
export function isLost(error: unknown): error is BackendError {
  return error instanceof BackendError && error.kind === 'unavailable'
}

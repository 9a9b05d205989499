import { BackendError, type FailureKind } from '../backend/backend.ts'
import { DataConnectionError, type DataFailure } from '../data/data-error.ts'
import { RefusedLogin } from '../ftp/refused-login.ts'
import { closing, type Reply, reply } from '../ftp/reply.ts'
import { Answered } from './answered.ts'

/** When the failure happened decides whether the control connection can go on. */
export type Moment = 'login' | 'command' | 'transfer'

/**
 * The one place where a failure becomes a reply. 4yz where trying again can help, 5yz where it cannot (RFC 959 section
 * 4.2.1): schedulers and clients act on the first digit. The text never shows a backend's host, path or words.
 */
export function replyTo(error: unknown, moment: Moment): Reply {
  if (error instanceof RefusedLogin || error instanceof Answered) return error.reply
  if (error instanceof DataConnectionError) {
    const [code, text] = dataReplies[error.failure]
    return reply(code, error.hint === undefined ? text : `${text} ${error.hint}`)
  }
  if (error instanceof BackendError) {
    if (error.reply) return error.reply
    if (error.kind === 'unavailable') return unavailable(moment)
    // Not 530: schedulers take that for a wrong password, and stop.
    if (error.kind === 'limited') return closing(421, 'Too many sessions or logins of this account, try again later.')
    if (moment === 'transfer') return reply(...(transferReplies[error.kind] ?? [451, 'Transfer failed on the server.']))
    return reply(...backendReplies[error.kind])
  }
  return moment === 'login' ? unavailable(moment) : reply(451, 'Requested action aborted: local error in processing.')
}

/** Whether the error is one of ours to answer, or a mistake in the gateway. */
export function isForeseen(error: unknown): boolean {
  const replied = error instanceof RefusedLogin || error instanceof Answered
  return replied || error instanceof BackendError || error instanceof DataConnectionError
}

/** 421 to PASS: clients take 530 for a wrong password and stop, though trying again later would help. */
function unavailable(moment: Moment): Reply {
  if (moment === 'login')
    return closing(421, 'Service not available, the file server cannot be reached. Try again later.')
  if (moment === 'command') return closing(421, 'Service not available, the connection to the file server was lost.')
  return reply(451, 'Transfer failed, the connection to the file server was lost.')
}

/** Before a transfer's 150, and for every other command. */
const backendReplies: Record<Exclude<FailureKind, 'unavailable' | 'limited'>, [number, string]> = {
  loginRefused: [530, 'Login incorrect.'],
  notFound: [550, 'No such file or directory.'],
  accessDenied: [550, 'Permission denied.'],
  readOnly: [550, 'Read-only, nothing can be changed here.'],
  alreadyExists: [550, 'The file or directory already exists.'],
  notADirectory: [550, 'Not a directory.'],
  isADirectory: [550, 'Is a directory.'],
  directoryNotEmpty: [550, 'Directory not empty.'],
  invalidName: [553, 'File name not allowed.'],
  badOffset: [554, 'Restart offset is past the end of the file.'],
  noSpace: [452, 'Insufficient storage space.'],
  quotaExceeded: [552, 'Storage allocation exceeded.'],
  busy: [450, 'File busy, try again later.'],
  unsupported: [502, 'Not supported by the file server.'],
  otherServer: [553, 'Not between these two folders, they are on different servers.'],
  away: [450, 'The server of this folder cannot be reached, try again later.'],
  failed: [550, 'Requested action not taken.'],
}

/** After 150 only codes that a transfer may end with; what is missing here is 451. */
const transferReplies: Partial<Record<FailureKind, [number, string]>> = {
  noSpace: [452, 'Insufficient storage space, the upload was not stored.'],
  quotaExceeded: [552, 'Storage allocation exceeded, the upload was not stored.'],
}

const dataReplies: Record<DataFailure, [number, string]> = {
  notPrepared: [425, 'Use PASV or PORT first.'],
  noPort: [425, 'No data port is free, try again later.'],
  foreignAddress: [500, 'Illegal PORT command: only your own address and ports from 1024.'],
  wrongFamily: [425, 'PASV needs IPv4, use EPSV.'],
  unprotected: [521, 'Data connection cannot be opened with this PROT setting, use PROT P.'],
  timeout: [425, 'Data connection was not opened in time.'],
  refused: [425, "Can't open data connection."],
  tls: [522, 'TLS negotiation failed on the data connection.'],
  notResumed: [522, 'Data connection must use the TLS session of the control connection (session reuse).'],
  truncated: [426, 'Upload ended without TLS close_notify and may be incomplete, it was not stored.'],
  wrongSize: [426, 'Upload does not have the size that ALLO declared, it was not stored.'],
  corrupt: [426, 'Compressed data is damaged or incomplete, it was not stored.'],
  reset: [426, 'Data connection broken, transfer aborted.'],
  stalled: [426, 'No data for too long, transfer aborted.'],
  aborted: [426, 'Transfer aborted.'],
}

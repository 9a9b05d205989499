import type { Writable } from 'node:stream'
import type { ByteTarget } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import type { Reply } from '../ftp/reply.ts'
import type { Secret } from '../ftp/secret.ts'

/** A reply of the old server. Its bytes go to the client as they are. */
export interface OldReply extends Reply {
  readonly verbatim: ByteString
}

/** An FTPS or FTP server that a partner's clients knew before the gateway. */
export interface OldServer {
  readonly name: string
  /**
   * Connects and logs in as the client would, name and password as it sent them. Throws BackendError `loginRefused` and
   * `unavailable`, with the old server's own reply where it gave one.
   */
  logIn(user: ByteString, password: Secret): Promise<OldSession>
}

/** A login at the old server. Where the connection is lost, everything throws BackendError `unavailable`. */
export interface OldSession {
  /** Its answer to the login. */
  readonly welcome: OldReply
  /** The directory where the login starts, where the server tells. */
  readonly home: ByteString
  /** Called once when the connection is lost, with what the server said last where that answered nothing. */
  onLost: (lastWords: OldReply | undefined) => void
  /**
   * Sends a line as it is and returns the final reply; preliminary ones are shown to `onMark` first. Replies come in the order
   * of lines, but for those to lines that are sent while a transfer runs; see `Asked.ends`.
   */
  ask(line: ByteString, how?: Asking): Promise<OldReply>
  /** Opens the server's end of the next transfer, before its command is sent. Throws BackendError `failed`. */
  openDownload(signal: AbortSignal): Promise<OldDownload>
  openUpload(signal: AbortSignal): Promise<OldUpload>
  /** Says goodbye. */
  close(): void
}

export interface Asking {
  /** Awaited before the final reply is returned. */
  readonly onMark?: (mark: OldReply) => Promise<void>
  /** A transfer: settles when its data have come or gone; until then its final reply may take any time. */
  readonly data?: Promise<unknown>
}

export interface OldDownload {
  /** Once the content has ended: whether its end is proven, by close_notify where there is TLS. */
  readonly complete: boolean
  /** What the server sends; throws BackendError `failed` when the connection breaks. To be iterated once. */
  content(): AsyncIterable<Buffer>
  /** Nobody reads the chunk any more. */
  recycle(chunk: Buffer): void
  /** Cuts the connection, so that the server sees it; does nothing to one that has ended. */
  drop(): void
}

export interface OldUpload {
  /** Ended, it says that it is all; destroyed, it cuts the connection, so that the server sees it. */
  readonly sink: Writable
  readonly direct: ByteTarget
  drop(): void
}

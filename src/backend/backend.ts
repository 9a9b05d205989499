import type { Writable } from 'node:stream'
import type { ByteString } from '../ftp/bytes.ts'
import type { Reply } from '../ftp/reply.ts'
import type { Secret } from '../ftp/secret.ts'

/**
 * How a login proves itself to the backend: with the client's own password, or with a password or a key that the gateway
 * holds, or an agent for it. Logins with the same secret of the gateway's may share connections: the gateway has checked the client itself.
 */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: Secret; readonly held?: true }
  | { readonly kind: 'privateKey'; readonly username: string; readonly privateKey: PrivateKey }
  /** The keys of the ssh-agent behind a socket, which signs and gives none of them away. */
  | { readonly kind: 'agent'; readonly username: string; readonly socket: string }

/** What a backend has begun for a login to come; is used by `open`, or given up. */
export interface Preparation {
  /** Idempotent; does nothing after it was used. */
  cancel(): void
}

/** A parsed private key; opaque here, made and read by the backend kind that uses it. */
export interface PrivateKey {
  readonly type: string
}

/** A configured place where files live. One implementation per folder beside this file. */
export interface Backend {
  readonly name: string
  /**
   * Opens one login's view of the files, over what was prepared where there is something. Only the same `owner` sees and
   * continues what was interrupted of its uploads; default: the account.
   * Throws BackendError `loginRefused` on bad credentials, `unavailable` when the backend cannot be reached or trusted.
   */
  open(credentials: Credentials, preparation?: Preparation, owner?: string): Promise<FileSystem>
  /** Begins all that a login by password needs before the password; undefined when there is nothing to gain now. */
  prepare(): Preparation | undefined
  /** Connects without logging in and checks the host key; throws BackendError `unavailable` with the reason in words. */
  probe(): Promise<void>
  /** Whether the newest connection or probe succeeded; undefined before the first. */
  readonly up: boolean | undefined
  close(): Promise<void>
}

export type EntryType = 'file' | 'directory' | 'symlink' | 'other'

/** One file, directory or link. What the server did not say is undefined; nothing is made up here. */
export interface Entry {
  /** The last component of its path; never empty, `.`, `..`, and without `/` and NUL. It may have CR and LF in it. */
  readonly name: ByteString
  readonly type: EntryType
  /** Bytes. */
  readonly size: number | undefined
  /** Seconds since 1970, UTC. */
  readonly modified: number | undefined
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  /** Names and hard links as the server's `ls -l` text shows them. */
  readonly owner: ByteString | undefined
  readonly group: ByteString | undefined
  readonly links: number | undefined
  /** What `other` is, as the first letter of `ls -l`: a device, a pipe or a socket; missing where nobody knows. */
  readonly special?: 'b' | 'c' | 'p' | 's'
  /** Where a symbolic link points, when it was asked for. */
  readonly target?: ByteString
  /** Nothing about it can be changed here, whatever its mode says. */
  readonly readOnly?: true
}

/** One logged-in user's files. Every path is an absolute, normalised byte string; every failure is a BackendError. */
export interface FileSystem {
  /** Where the login starts. */
  readonly home: ByteString
  /**
   * The entry, links followed. An `asker` may be given what somebody else was told a moment ago, or what an upload has just
   * come to, but never the same answer twice.
   */
  stat(path: ByteString, asker?: string): Promise<Entry>
  /** The entry itself, be it a link. */
  lstat(path: ByteString): Promise<Entry>
  /** Succeeds when a directory can be made the working directory; `notADirectory`, `notFound` or `accessDenied` else. */
  enter(path: ByteString): Promise<void>
  /** Where a link points, as stored. */
  readLink(path: ByteString): Promise<ByteString>
  /** The entries of a directory in batches, in the server's order, without `.`, `..` and the gateway's own partial files. */
  list(path: ByteString): AsyncIterable<readonly Entry[]>
  /** Opens a file for reading from byte `start`; `isADirectory` for a directory, `badOffset` when start is past the end. */
  read(path: ByteString, start: number): Promise<Download>
  /**
   * Opens the place where an upload is collected. The final name is not touched, unless `Upload.inPlace` says so.
   * Throws BackendError `noSpace` where there is no room for the size that is expected, and the server can tell.
   */
  write(path: ByteString, mode: WriteMode, expected?: ExpectedFile): Promise<Upload>
  makeDirectory(path: ByteString): Promise<void>
  removeDirectory(path: ByteString): Promise<void>
  removeFile(path: ByteString): Promise<void>
  /** Renames, and replaces an existing file as Unix FTP servers do. */
  rename(from: ByteString, to: ByteString): Promise<void>
  /**
   * Copies a file to another name, which gets its bytes all at once: collected in a temporary file and renamed, as uploads
   * are. An existing file is replaced and keeps its mode; a new one gets the `permissions`, where they are given.
   */
  copy(from: ByteString, to: ByteString, permissions?: number): Promise<void>
  /** Bytes that the login may still store where `path` is; `unsupported` where the server does not tell. */
  space(path: ByteString): Promise<number>
  /** Sets the modification time, in seconds since 1970, and the time of the last access, which is the same without it. */
  setModified(path: ByteString, seconds: number, accessed?: number): Promise<void>
  /** Sets the permission bits, 0 to 0o7777. */
  setMode(path: ByteString, mode: number): Promise<void>
  /** Sets user and group by their numbers; what is left out stays. */
  setOwner(path: ByteString, owner: Owner): Promise<void>
  /** Makes a symbolic link that says `target`, which need not exist. */
  makeSymlink(target: ByteString, link: ByteString): Promise<void>
  /** Gives a file a second name (a hard link); `unsupported` where the server cannot. */
  makeLink(file: ByteString, link: ByteString): Promise<void>
  /** Ends the login; running reads and writes fail with `unavailable`. Never throws. */
  close(): Promise<void>
}

export interface Owner {
  readonly uid?: number
  readonly gid?: number
}

/** A file being read. */
export interface Download {
  /** Bytes in the file when it was opened, where the server said. */
  readonly size: number | undefined
  /** The bytes from `start` to the end of the file, in order; throws BackendError. To be iterated once. */
  readonly content: AsyncIterable<Buffer>
  /** Gives a chunk's memory back once nothing reads it any more; optional, and once for each chunk. */
  recycle?(chunk: Buffer): void
  /** Stops reading and closes the file; pending iteration ends. May be called twice; never throws. */
  close(): Promise<void>
}

/** What is known of a file before its first byte. */
export interface ExpectedFile {
  /** Permission bits of a new file, where they are not to be the server's own. */
  readonly permissions?: number | undefined
  /** Bytes. */
  readonly size?: number | undefined
  /** Whether what is stored is what the client sends, so that it can go on by its size; default: it is. */
  readonly continuable?: boolean
}

/**
 * What an upload does to the name: STOR replaces it, STOU must find it free, APPE continues at its end,
 * REST + STOR writes at an offset, and what is behind its bytes stays (`badOffset` when the offset is past the end).
 */
export type WriteMode =
  | { readonly kind: 'replace' }
  | { readonly kind: 'unique' }
  | { readonly kind: 'append' }
  | { readonly kind: 'restart'; readonly offset: number }

/** The sink of an upload for whoever can put bytes right where they are needed, and so saves a copy. */
export interface ByteTarget {
  /** Where the next bytes go; never empty, and asked for again after each `filled`. */
  room(): Buffer
  /** So many bytes are in the room now; false when no more are wanted until `onRoom`. Some that were on their way may still come. */
  filled(bytes: number): boolean
  /** Called when more is wanted again. */
  onRoom: () => void
}

/**
 * A file being written. Life: bytes into `sink`; its 'finish' means that the server has acknowledged every byte;
 * then `commit` or `abandon`, once. A sink that failed or was destroyed can only be abandoned.
 */
export interface Upload {
  /** Whether bytes go straight to the final name (APPE and REST), so a failure leaves a part behind. */
  readonly inPlace: boolean
  /** Bytes in; errors are BackendErrors, the first one latches. */
  readonly sink: Writable
  /** The same sink, to be used in place of writing to it; ended like it. */
  readonly direct?: ByteTarget
  /** Makes the file durable and gives it its final name: fsync, size, close, rename. Resolves when all are acknowledged. */
  commit(): Promise<void>
  /** Ends the upload without its final name, which stays as it was. Never throws. */
  abandon(leave: Leave): Promise<void>
}

/**
 * What is left of an upload that was given up, for the same login to see, where the backend can keep it. `bytes`: what is
 * there, to be continued. `trace`: where a file has the name already, that its replacement was begun and has no bytes yet, as a
 * server that writes in place would show; a client that asks for the size and goes on there would else go on in the old file.
 */
export type Leave = 'bytes' | 'trace' | 'nothing'

/** Why a backend refused or failed, in the words of the domain; `control/replies.ts` turns each into a reply. */
export type FailureKind =
  | 'loginRefused'
  /** The login is right, and one too many for now. */
  | 'limited'
  | 'notFound'
  | 'accessDenied'
  /** The partner may change nothing there. */
  | 'readOnly'
  | 'alreadyExists'
  | 'notADirectory'
  | 'isADirectory'
  | 'directoryNotEmpty'
  | 'invalidName'
  | 'badOffset'
  | 'noSpace'
  | 'quotaExceeded'
  | 'busy'
  | 'unsupported'
  /** Two paths are on two servers, and what was asked needs them on one. */
  | 'otherServer'
  /** The server of this folder is away; the login can go on with others. */
  | 'away'
  /** The connection is lost, refused or not trusted; the login cannot go on. */
  | 'unavailable'
  | 'failed'

/** The only error that crosses the storage contract. `message` is for the operator; the client's text comes from `kind`. */
export class BackendError extends Error {
  override readonly name = 'BackendError'
  readonly kind: FailureKind
  /** What the client reads in place of the words for its kind: those of an old server behind the relay. */
  readonly reply: Reply | undefined
  constructor(kind: FailureKind, message: string, options?: ErrorOptions & { readonly reply?: Reply | undefined }) {
    super(message, options)
    this.kind = kind
    this.reply = options?.reply
  }
}

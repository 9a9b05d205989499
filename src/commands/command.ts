import type { FileSystem, Upload } from '../backend/backend.ts'
import type { Argument, HostPort } from '../ftp/arguments.ts'
import type { Conversion } from '../ftp/ascii.ts'
import type { ByteRange } from '../ftp/byte-range.ts'
import type { ByteString } from '../ftp/bytes.ts'
import type { ChecksumName } from '../ftp/checksum.ts'
import type { Dialect } from '../ftp/dialect.ts'
import type { Reply } from '../ftp/reply.ts'
import type { Secret } from '../ftp/secret.ts'

/** A TCP address as PASV, EPSV, PORT and EPRT name it; `host` is a numeric IPv4 or IPv6 address. */
export type Address = HostPort

/** What a command may ask of the session that runs it; sockets, TLS and logging stay out of its sight. */
export interface Session {
  /** Short name of the session in logs, safe to show to the client (help desk reference). */
  readonly id: string
  /** Numeric address of the client. */
  readonly clientAddress: string
  /** Control connection on TLS? `cleared`: no more, since CCC; `unavailable`: this listener has no TLS at all. */
  readonly security: 'secure' | 'plain' | 'cleared' | 'unavailable'
  /** Whether CCC may take the TLS off the control connection. */
  readonly clearable: boolean
  /** HOST: a DNS name or numeric address that the client wants to talk to; false: that is nobody here. */
  chooseHost(host: string): boolean
  /** Whether the policy wants TLS on control and data (USER and PROT C are refused without). */
  readonly tlsRequired: boolean

  /** What the login may do; everything before. */
  readonly rights: Rights

  /** How FTP is spoken here; another one after the login, where the partner's clients need it. */
  readonly dialect: Dialect

  /** TYPE (RFC 959: initially ASCII). */
  type: 'A' | 'I' | 'E'
  /** MODE (RFC 959: initially S); Z is deflate, and `level` how hard it tries (1 to 9, 0 for not at all). */
  mode: 'S' | 'Z'
  compressionLevel: number
  /** The look of LIST: what the dialect says, until SITE DIRSTYLE changes it. */
  directoryStyle: 'unix' | 'dos'
  /** PROT; implicit listeners start at P (RFC 4217 section 9; clients that omit PROT there). */
  protection: 'C' | 'P'
  /** After EPSV ALL only EPSV may open a data connection (RFC 2428 section 4). */
  epsvOnly: boolean
  /** MLSx facts that OPTS MLST switched off or on; lower case names. */
  facts: ReadonlySet<string>

  /** The name that USER gave; cleared by login, AUTH and a failed PASS. */
  username: ByteString | undefined
  /** Set by RNFR, used and cleared by RNTO; a transfer command clears it too. */
  renameFrom: ByteString | undefined
  /** Set by CPFR, used and cleared by CPTO; cleared like `renameFrom`. */
  copyFrom: ByteString | undefined
  /** What HASH makes; OPTS HASH sets it. */
  hashAlgorithm: ChecksumName
  /** Aborted when the client has gone or the session is ended, for whatever takes long without a transfer. */
  readonly gone: AbortSignal
  /** Set by REST; cleared by the next transfer command, whatever its outcome (clients send REST, PASV, RETR). */
  restartAt: number
  /** Set by RANG in place of a restart marker: what the next RETR or HASH is about; cleared like `restartAt`. */
  range: ByteRange | undefined
  /** Set by ALLO: the size the next upload declares; cleared like `restartAt`. */
  declaredSize: number | undefined
  /** Bits that new files and directories do not get, set by SITE UMASK; the server's own until then. */
  umask: number | undefined
  /** After so long without a command the session is closed; SITE IDLE sets it. */
  idleSeconds: number
  readonly idleSecondsMax: number
  /** Whether a transfer command is running. */
  readonly transferring: boolean

  /** OPTS UTF8: from now on the client writes names in UTF-8, or again in what it is known for; false: nothing is known. */
  useUtf8(on: boolean): boolean
  /** Lets the backend begin what a login needs before the password; never throws. */
  expectLogin(username: ByteString): void
  /** Ends the login, and is as at the beginning (REIN). */
  startOver(): Promise<void>
  /** Logs in to the backend, without a password where `certificateSuffices`; throws BackendError `loginRefused` or `unavailable`. */
  logIn(username: ByteString, password: Secret | undefined): Promise<readonly ByteString[]>
  /** Whether the user needs no password with the certificate that the client has shown. */
  certificateSuffices(username: ByteString): boolean
  /** Whether the login was without a password. */
  readonly passwordless: boolean
  /** Opens a passive port; the host is what PASV advertises. Throws DataConnectionError when no port is free. */
  listenForData(family: 'PASV' | 'EPSV'): Promise<Address>
  /** Remembers where the next data connection goes (PORT, EPRT); throws DataConnectionError for a foreign or low port. */
  connectForData(address: Address): Promise<void>
  /** Sends 150, then the content over a data connection; answers with the final reply or throws. */
  send(transfer: Sending): Promise<Reply>
  /** Sends 150, takes the upload's bytes from a data connection and commits it; answers with the final reply or throws. */
  receive(transfer: Receiving): Promise<Reply>
  /** Aborts a running transfer and waits for its final reply; false when there was none to abort. */
  abortTransfer(): Promise<boolean>
  /** Lines for STAT: who, parameters, and the transfer in progress with its byte count. */
  status(): readonly ByteString[]
}

/** What a login may do; verbs in upper case, words of SITE as `SITE CHMOD`. */
export interface Rights {
  /** Commands that change something are refused. */
  readonly readOnly: boolean
  /** What is not among these is refused, except what moves no file; empty: nothing is. */
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

interface Transfer {
  /** Verb and path, for the log and STAT. */
  readonly verb: string
  readonly path: ByteString
  /** Text of the 150 mark. */
  readonly mark: ByteString
}
export interface Sending extends Transfer {
  readonly content: AsyncIterable<Buffer>
  /** The content is text that was converted, so bytes that no text has are worth a warning. */
  readonly text?: boolean
  /** Called for each chunk of `content` that has been sent; see Download.recycle. */
  recycle?(chunk: Buffer): void
  /** Stops `content` when the transfer is aborted. */
  cancel(): Promise<void>
}
export interface Receiving extends Transfer {
  readonly upload: Upload
  /** What has to become of the bytes that the client sends, in TYPE A and E; undefined for nothing. */
  readonly convert: Conversion['fromNetwork'] | undefined
  /** Text of the final 226, when it says more than usual (STOU). */
  readonly done?: ByteString
}

/** The person behind a session that has logged in. */
export interface User {
  readonly name: ByteString
  readonly files: FileSystem
  /** Working directory; absolute and normalised. */
  directory: ByteString
  /** The absolute, normalised form of a path the client sent; throws BackendError `invalidName` for CR, LF, NUL. */
  resolve(path: ByteString): ByteString
  /** Where its move to SFTP stands, in lines for SITE MIGRATION. */
  readonly migration?: readonly ByteString[]
}

/** Who may run a command: anyone; a client on TLS where the policy wants it; a user who has logged in. */
export type Access = 'anyone' | 'secured' | 'loggedIn'

export type Context<A, K extends Access> = {
  readonly session: Session
  readonly argument: A
} & (K extends 'loggedIn' ? { readonly user: User } : { readonly user: User | undefined })

export interface CommandSpec<A, K extends Access> {
  /** The verb, then its aliases. */
  readonly verbs: readonly [string, ...string[]]
  readonly argument: Argument<A>
  readonly access: K
  /** Runs at once even while a transfer is in progress (ABOR, STAT without argument). */
  readonly duringTransfer?: boolean | ((session: Session) => boolean)
  /** Uses the data connection, so the session keeps reading commands while it runs; clears REST, ALLO and RNFR. */
  readonly transfers?: boolean
  /** The argument is secret: it appears in no log. */
  readonly secret?: boolean
  /** Changes something, so a login that is read-only may not. */
  readonly writes?: boolean
  /** Neither moves nor shows a file, so a list of allowed commands need not name it. */
  readonly harmless?: boolean
  /** Commands that this one is another way for: where one of them is denied, so is it. */
  readonly sameAs?: readonly string[]
  /** A verb that is known and never carried out; HELP marks it (RFC 959 section 4.1.3). */
  readonly refused?: boolean | ((session: Session) => boolean)
  /** The FEAT line that advertises it, where the session offers it. */
  readonly feature?: string | ((session: Session) => string | undefined)
  /** Answers with the one final reply, or throws. */
  run(context: Context<A, K>): Reply | Promise<Reply>
}

/** A declared command as the dispatcher sees it: types erased, `access` checked and `argument` parsed before it runs. */
export interface Command extends Omit<CommandSpec<unknown, Access>, 'run'> {
  run(context: {
    readonly session: Session
    readonly user: User | undefined
    readonly argument: unknown
  }): Reply | Promise<Reply>
}

/** Declares a command: the argument's type follows from its grammar, the user's presence from `access`. */
export function command<A, K extends Access>(spec: CommandSpec<A, K>): Command {
  return spec as unknown as Command
}

import type { Backend, Credentials, FailureKind } from '../../src/backend/backend.ts'
import type { ByteString } from '../../src/ftp/bytes.ts'

/** What a backend kind brings to the contract suite. */
export interface Candidate {
  readonly backend: Backend
  readonly credentials: Credentials
  /** A login that must be refused. */
  readonly badCredentials: Credentials
  /** An existing, empty directory of the login; `disk` has its content. */
  readonly directory: string
  readonly disk: Disk
  /** What the server said, for the report of a failure. */
  log(): string
  /** Ends the server, and so every connection to it. */
  cut(): Promise<void>
  close(): Promise<void>
}

/** Whose it is: the login's own, or somebody else's. */
export interface Rights {
  readonly mode?: number
  readonly foreign?: boolean
}

/** The files of the directory, looked at and made without the backend. Paths are relative. */
export interface Disk {
  file(path: ByteString, content: Buffer | string, rights?: Rights): void
  directory(path: ByteString, rights?: Rights): void
  link(path: ByteString, target: ByteString): void
  content(path: ByteString): Buffer
  /** Everything below the directory, one line for each, with type, mode, size, time and target. */
  snapshot(): string[]
}

/** What honest servers do differently. The first value is the contract's own; a server of another kind declares its. */
export interface Behaviour {
  /** Opening a directory as a file, for reading or for an upload in its place. */
  readonly openDirectory: FailureKind
  /** Entering a directory without the right to. */
  readonly enterForbidden: 'accessDenied' | 'entered'
  /** Names that are not UTF-8. */
  readonly byteNames: 'kept' | FailureKind
  /** What a look at a symbolic link itself sees. */
  readonly lookAtLink: 'symlink' | 'file'
  /** Where a link with a relative target is said to point. */
  readonly readLink: 'as stored' | 'absolute'
  /** Opening a link that leads nowhere. */
  readonly openDangling: FailureKind
  /** Changing the mode of somebody else's file. */
  readonly foreignMode: FailureKind
  /** Whether free space is told. */
  readonly space: 'told' | 'unsupported'
  readonly hardLinks: 'made' | 'unsupported'
}

export const contract: Behaviour = {
  openDirectory: 'isADirectory',
  enterForbidden: 'accessDenied',
  byteNames: 'kept',
  lookAtLink: 'symlink',
  readLink: 'as stored',
  openDangling: 'notFound',
  foreignMode: 'accessDenied',
  space: 'told',
  hardLinks: 'made',
}

/** A declared difference: what the suite then asserts, and how the table says it. */
export type Differences = {
  readonly [K in keyof Behaviour]?: { readonly is: Behaviour[K]; readonly words: string }
}

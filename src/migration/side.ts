import type { ByteString } from '../ftp/bytes.ts'

/** A file or folder as one of the two servers of a partner has it. */
export interface SideEntry {
  readonly name: ByteString
  readonly type: 'file' | 'directory' | 'other'
  /** Bytes of a file, where the server says. */
  readonly size: number | undefined
  /** Seconds since 1970; undefined where the server does not say it to the minute. */
  readonly modified: number | undefined
  /** Reached over a link, which may lead anywhere: nobody goes on below it. */
  readonly linked?: boolean
}

/** The files of a partner on one of its two servers. Paths are absolute, as its clients see them. */
export interface Side {
  /** For people. */
  readonly name: string
  /** Everything in a directory; throws when it cannot be listed. */
  list(path: ByteString): Promise<readonly SideEntry[]>
  /** SHA-256 of a file's bytes in hex; `read` is told of them as they come. Throws when it cannot be read. */
  hash(path: ByteString, read: (bytes: number) => void): Promise<string>
  close(): Promise<void>
}

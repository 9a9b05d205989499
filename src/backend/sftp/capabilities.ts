/** What a server can do, and how it wants to be treated. One record, never changed: learning makes a new one. */
export interface Capabilities {
  /** Data bytes of one READ, and of one WRITE. */
  readonly readBytes: number
  readonly writeBytes: number
  /** Requests are carried out in the order they came: CLOSE may be sent behind READs and WRITEs without waiting for them. */
  readonly answersInOrder: boolean
  /** READDIRs under way at a time. */
  readonly pipelinedReaddir: number
  /** SFTP channels on one SSH connection. */
  readonly channels: number
  /** small: the server may send no more ahead than ssh2's own window takes; it ignores larger ones or cannot bear them. */
  readonly window: 'large' | 'small'
  /** One file may be read or written over several connections at once. */
  readonly stripes: boolean
  /**
   * posix: replaces in one step; swap: moves an existing target aside; plain: RENAME only, an existing target stays; none:
   * nothing is renamed, so uploads go straight to their names.
   */
  readonly rename: 'posix' | 'swap' | 'plain' | 'none'
  /** ignore: times cannot be set, so it is not tried, and who asks for it is told so. */
  readonly setModified: 'ok' | 'ignore'
  /** ignore: a file that is replaced does not hand its permissions on. SITE CHMOD asks the server all the same. */
  readonly setMode: 'ok' | 'ignore'
  /** SYMLINK's arguments: the target first, as OpenSSH and nearly all others have it, or the link, as the draft says. */
  readonly symlink: 'targetFirst' | 'linkFirst'
  readonly fsync: boolean
  /** skip: the size of an upload cannot be asked for before it is closed. */
  readonly sizeAfterUpload: 'check' | 'skip'
  /** A file can be read once, from front to back, and must not be looked at meanwhile. */
  readonly readOnce: boolean
  /** How an idle connection is kept open: SSH's own keep-alive, a REALPATH, or not at all. */
  readonly keepalive: 'ssh' | 'sftp' | 'off'
}

/** What the operator knows better. */
export type CapabilityOverrides = Partial<Capabilities>

/** What answers can teach; each only ever makes less of a server. */
export type Lesson = Partial<
  Pick<Capabilities, 'readBytes' | 'channels' | 'rename' | 'setModified' | 'setMode' | 'sizeAfterUpload'>
>

/** What every server takes (draft section 3: packets of 34000 bytes must be accepted). */
export const requestBytesWithoutLimits = 32 * 1024
/** A WRITE's header with a handle of 4 bytes travels in the same SSH packet, where one packet is all a server takes. */
export const writeHeaderBytes = 25 + 4

/** A server that nobody has heard of: nothing that any server could stumble over. */
export const unknownServer: Capabilities = {
  readBytes: requestBytesWithoutLimits,
  writeBytes: requestBytesWithoutLimits - writeHeaderBytes,
  answersInOrder: false,
  pipelinedReaddir: 1,
  // OpenSSH, AWS and mod_sftp allow 10; the rest is for whoever else uses the connection.
  channels: 8,
  window: 'large',
  stripes: false,
  rename: 'swap',
  setModified: 'ok',
  setMode: 'ok',
  symlink: 'targetFirst',
  fsync: false,
  sizeAfterUpload: 'check',
  readOnce: false,
  keepalive: 'ssh',
}

/** ssh2 starts every channel with this window, and keeps it above half of it. */
const ssh2WindowBytes = 2 * 1024 * 1024

/** Bytes that the server may send ahead on a channel, for `wanted` bytes of READ answers under way. */
export function receiveWindow({ window }: Capabilities, wanted: number): number {
  return window === 'small' ? ssh2WindowBytes : wanted * 2
}

/** Bytes of READ answers that may be under way on a channel, at most `wanted`. */
export function readAhead({ window }: Capabilities, wanted: number): number {
  return window === 'small' ? Math.min(wanted, ssh2WindowBytes / 2) : wanted
}

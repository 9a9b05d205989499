import type { Limits, SftpClient } from './sftp-client.ts'
import { extension, requestBytesMax } from './wire.ts'

/** What this server can do, learned from its VERSION and its limits. */
export interface Capabilities {
  /** Data bytes of one READ, and of one WRITE. */
  readonly readBytes: number
  readonly writeBytes: number
  readonly posixRename: boolean
  readonly fsync: boolean
  readonly statvfs: boolean
  /** Requests are answered, and take effect, in the order in which they come, so one need not wait for the one before. */
  readonly answersInOrder: boolean
  /** Whether one file may be read and written over several connections at a time. */
  readonly stripes: boolean
}

/** What every server takes (draft section 3: packets of 34000 bytes must be accepted). */
const requestBytesWithoutLimits = 32 * 1024

/** Asks the server for its limits where it offers to tell them. */
export async function learnCapabilities(client: SftpClient, handleLength = 4): Promise<Capabilities> {
  const limits: Limits | undefined = client.offers(extension.limits) ? await client.limits() : undefined
  // 21 bytes of WRITE header and the handle travel in the same SSH packet, where one packet is all a server takes.
  const onePacket =
    Math.min(client.session.packetSize || requestBytesWithoutLimits, requestBytesWithoutLimits) - 25 - handleLength
  return {
    readBytes: limits?.read ? Math.min(limits.read, requestBytesMax) : requestBytesWithoutLimits,
    writeBytes: limits?.write ? Math.min(limits.write, requestBytesMax) : onePacket,
    posixRename: client.offers(extension.posixRename),
    fsync: client.offers(extension.fsync),
    statvfs: client.offers(extension.statvfs),
    answersInOrder: true,
    stripes: true,
  }
}

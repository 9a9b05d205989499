import type { ByteString } from '../../ftp/bytes.ts'
import { BackendError } from '../backend.ts'
import { receiveWindow } from './capabilities.ts'
import type { Connection } from './connection.ts'
import { keepAlive } from './keepalive.ts'
import { openSubsystem } from './raw-channel.ts'
import type { LearnedCapabilities, Server } from './server.ts'
import { SftpClient } from './sftp-client.ts'
import { type SessionOptions, SftpSession } from './sftp-session.ts'

/** An SFTP session on an SSH connection, and what the server said of itself there. */
export interface SftpChannel {
  readonly session: SftpSession
  readonly server: Server
  /** Where the account starts. */
  readonly home: ByteString
}

export interface ChannelOptions extends SessionOptions {
  readonly learned: LearnedCapabilities
  /** Bytes of one download that may be under way. */
  readonly inFlightMax: number
}

/** The server has no further channel for this connection (OpenSSH MaxSessions); another connection may have one. */
export class ChannelRefused extends BackendError {}

/**
 * Opens a channel on the connection and greets the SFTP server. `onEnd` is called once when it has ended, by
 * `close` too, and not before this has resolved. Throws BackendError `unavailable`, and ChannelRefused when the server opens no channel at all.
 */
export async function openSftpChannel(
  { client: ssh, banner }: Connection,
  { learned, inFlightMax, ...timeouts }: ChannelOptions,
  onEnd: () => void,
): Promise<SftpChannel> {
  const session = new SftpSession(timeouts)
  try {
    const window = receiveWindow(learned.server(banner).can, inFlightMax)
    const events = {
      onData: (bytes: Buffer) => session.receive(bytes),
      onClose: () => session.fail(new BackendError('unavailable', 'the server closed the SFTP channel')),
    }
    const channel = await openSubsystem(ssh, window, events, timeouts.requestMs)
    await session.start(channel)
    const client = new SftpClient(session)
    const server = learned.server(banner, session)
    const [home] = await Promise.all([client.realpath('.'), server.askLimits(client)])
    if (server.can.keepalive === 'sftp') keepAlive(client)
    session.whenDead(onEnd)
    return { session, server, home }
  } catch (cause) {
    session.close()
    const { message } = cause as Error
    if (isRefusal(cause)) throw new ChannelRefused('unavailable', `no SSH channel: ${message}`, { cause })
    throw new BackendError('unavailable', `no SFTP on this connection: ${message}`, { cause })
  }
}

/** ssh2 puts the reason code of CHANNEL_OPEN_FAILURE on its error. */
function isRefusal(cause: unknown): boolean {
  return typeof (cause as { readonly reason?: unknown }).reason === 'number'
}

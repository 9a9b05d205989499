import type { Client, ClientChannel } from 'ssh2'

/**
 * An SSH channel as bytes in and out, below ssh2's stream layer: ssh2's own windows stop at 2 MiB, and its streams neither
 * report back-pressure nor the end of a connection reliably. The few ssh2 internals this relies on are named in
 * `Internals`, checked when a channel is made, and the package version is pinned.
 */
export interface RawChannel {
  /** Sends bytes in order; what the server's window does not take is queued. The caller bounds what it has under way. */
  send(bytes: Buffer): void
  /** Bytes queued here or in the socket that the network has not taken. */
  readonly queued: number
  /** The part of them for which the server's window has no room yet: buffers that were given to `send` and are still read. */
  readonly unsent: number
  /** Largest payload of one channel packet that the server accepts. */
  readonly packetSize: number
  /** Closes the channel; idempotent. */
  close(): void
}

export interface RawChannelEvents {
  /** Bytes from the server; a view of a buffer that the caller may keep. */
  onData(bytes: Buffer): void
  /** The server ended the channel, or the connection is gone. Called once. */
  onClose(): void
}

/** Every server must take 32768 bytes (RFC 4253 section 6.1), none known takes less than 16 KiB; with 0 nothing could be sent. */
const packetSizeMin = 1024

/** What is used of ssh2 1.17.0 beyond its public face. */
interface Internals {
  readonly incoming: { window: number }
  readonly outgoing: { id: number; window: number; packetSize: number; state: string }
  push: (chunk: Buffer | null) => boolean
  _waitWindow: boolean
  _chunkcb: (() => void) | undefined
  readonly _client: {
    readonly _protocol: {
      channelData(id: number, data: Buffer): void
      channelWindowAdjust(id: number, bytes: number): void
    }
    readonly _sock: { readonly writableLength: number }
  }
}

/** Takes over a channel made by `client.subsys`. `receiveWindow`: bytes that the server may send ahead. */
export function takeOver(channel: ClientChannel, receiveWindow: number, events: RawChannelEvents): RawChannel {
  const ssh = internalsOf(channel)
  const protocol = ssh._client._protocol
  const queue: Buffer[] = []
  let queuedBytes = 0
  let closed = false

  const widenWindow = () => {
    if (closed || ssh.incoming.window > receiveWindow * 0.75) return
    const missing = receiveWindow - ssh.incoming.window
    ssh.incoming.window += missing
    protocol.channelWindowAdjust(ssh.outgoing.id, missing)
  }
  const onEnd = () => {
    if (closed) return
    closed = true
    queue.length = 0
    queuedBytes = 0
    events.onClose()
  }
  ssh.push = (chunk) => {
    if (chunk === null) onEnd()
    else if (!closed) {
      events.onData(chunk)
      widenWindow()
    }
    return true
  }
  const drain = () => {
    while (queue.length > 0 && !closed) {
      const bytes = queue[0]
      if (bytes === undefined) return
      const sent = sendWithinWindow(ssh, bytes)
      queuedBytes -= sent
      if (sent === bytes.length) queue.shift()
      else {
        queue[0] = bytes.subarray(sent)
        ssh._waitWindow = true
        ssh._chunkcb = drain
        return
      }
    }
  }
  // A server may write to stderr; unread, it would fill the channel's window.
  channel.stderr.resume()
  channel.on('error', onEnd)
  channel.on('close', onEnd)
  widenWindow()

  return {
    send(bytes) {
      if (closed) return
      queue.push(bytes)
      queuedBytes += bytes.length
      if (queue.length === 1) drain()
    },
    get queued() {
      return queuedBytes + ssh._client._sock.writableLength
    },
    get unsent() {
      return queuedBytes
    },
    packetSize: ssh.outgoing.packetSize,
    close() {
      channel.close()
      onEnd()
    },
  }
}

function sendWithinWindow(ssh: Internals, bytes: Buffer): number {
  let at = 0
  while (at < bytes.length && ssh.outgoing.window > 0) {
    const length = Math.min(bytes.length - at, ssh.outgoing.window, ssh.outgoing.packetSize)
    ssh._client._protocol.channelData(ssh.outgoing.id, bytes.subarray(at, at + length))
    ssh.outgoing.window -= length
    at += length
  }
  return at
}

/** The only cast to ssh2's inside; throws when a different ssh2 has a different inside. */
function internalsOf(channel: ClientChannel): Internals {
  const ssh = channel as unknown as Internals
  const protocol = ssh._client?._protocol
  const fits =
    typeof ssh.incoming?.window === 'number' &&
    typeof ssh.outgoing?.window === 'number' &&
    typeof ssh.outgoing.packetSize === 'number' &&
    typeof protocol?.channelData === 'function' &&
    typeof protocol.channelWindowAdjust === 'function' &&
    typeof ssh._waitWindow === 'boolean'
  if (!fits) throw new Error('this version of ssh2 is not the one that the gateway was made for (1.17.0)')
  const { packetSize } = ssh.outgoing
  if (packetSize < packetSizeMin) throw new Error(`the server takes packets of ${packetSize} bytes, which is too few`)
  return ssh
}

/**
 * Opens the server's SFTP subsystem as a raw channel. Rejects with ssh2's error when the server refuses, and when it does
 * not answer within `timeoutMs`. A channel that comes too late, or without SFTP, is closed: servers allow but a few.
 */
export function openSubsystem(
  client: Client,
  receiveWindow: number,
  events: RawChannelEvents,
  timeoutMs: number,
): Promise<RawChannel> {
  return new Promise((resolve, reject) => {
    let over = false
    let closeHalfOpen = () => {}
    const fail = (error: unknown) => {
      over = true
      clearTimeout(timer)
      closeHalfOpen()
      reject(error)
    }
    const tooLate = new Error(`the server did not open an SFTP channel within ${timeoutMs / 1000} s`)
    const timer = setTimeout(() => fail(tooLate), timeoutMs)
    const onAnswer = (error: Error | undefined, channel: ClientChannel) => {
      if (over) return channel?.close()
      if (error) return fail(error)
      clearTimeout(timer)
      try {
        resolve(takeOver(channel, receiveWindow, events))
      } catch (cause) {
        fail(cause)
      }
    }
    try {
      client.subsys('sftp', onAnswer)
      closeHalfOpen = newestChannel(client)
    } catch (error) {
      // The connection was lost a moment ago.
      fail(error)
    }
  })
}

/** How to close the channel that was asked for last: ssh2 keeps it open, and to itself, when its subsystem is refused. */
function newestChannel(client: Client): () => void {
  const { _chanMgr: channels } = client as unknown as {
    readonly _chanMgr: { readonly _cur: number; get(id: number): unknown }
  }
  const id = channels._cur
  return () => {
    const channel = channels.get(id)
    if (typeof channel === 'object' && channel !== null && 'close' in channel) (channel as ClientChannel).close()
  }
}

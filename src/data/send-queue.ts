import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

/**
 * Bytes that the system has taken to send and the other side has not confirmed; undefined where it does not tell (Linux does).
 * A client on a slow line takes minutes for what fits into the buffers of the system, and all that time nothing else moves.
 */
export async function sendQueue({ localPort, remotePort, remoteFamily }: Socket): Promise<number | undefined> {
  if (localPort === undefined || remotePort === undefined) return undefined
  const tables = remoteFamily === 'IPv6' ? ['/proc/net/tcp6'] : ['/proc/net/tcp', '/proc/net/tcp6']
  for (const table of tables) {
    const text = await readFile(table, 'latin1').catch(() => '')
    const queue = queueIn(text, localPort, remotePort)
    if (queue !== undefined) return queue
  }
  return undefined
}

/** `sl local_address rem_address st tx_queue:rx_queue …`, addresses and numbers in hexadecimal. */
export function queueIn(table: string, localPort: number, remotePort: number): number | undefined {
  const line = new RegExp(
    `^ *\\d+: [0-9A-F]+:${hex(localPort)} [0-9A-F]+:${hex(remotePort)} [0-9A-F]{2} ([0-9A-F]{8}):`,
    'm',
  )
  const queue = line.exec(table)?.[1]
  return queue === undefined ? undefined : Number.parseInt(queue, 16)
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0')
}

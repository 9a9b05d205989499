import { createHash, randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { GatewayMark } from '../backend/sftp/part-name.ts'
import type { Config } from '../config/config.ts'

/**
 * What is the same after a restart: this machine, or container, and the ports where its clients come in, which no other gateway
 * can have at the same time. Ports that the system chooses say nothing.
 */
export function gatewayMark({ listeners }: Pick<Config, 'listeners'>): GatewayMark {
  if (listeners.some(({ port }) => port === 0)) return visitorMark()
  const places = listeners.map(({ address, port }) => `${address} ${port}`)
  const instance = createHash('sha256')
    .update([hostname(), ...places].join('\n'))
    .digest('hex')
  return { instance: instance.slice(0, 4), run: hex() }
}

/** For whoever works beside a gateway that may be running: what that one is writing is not taken for left behind. */
export function visitorMark(): GatewayMark {
  return { instance: hex(), run: hex() }
}

function hex(): string {
  return randomBytes(2).toString('hex')
}

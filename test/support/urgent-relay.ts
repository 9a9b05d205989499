import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export type UrgentManner = 'ftplib' | 'lftp' | 'bsd'

export interface UrgentRelay {
  /** For one connection. */
  readonly port: number
  stop(): Promise<void>
}

/** A relay to a port of 127.0.0.1 that makes every ABOR urgent, in the manner of a client. */
export async function startUrgentRelay(target: number, manner: UrgentManner): Promise<UrgentRelay> {
  const script = join(import.meta.dirname, 'urgent-relay.py')
  const child = spawn('python3', [script, String(target), manner], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const lines = createInterface(child.stdout)
  const [line] = await Promise.race([
    once(lines, 'line'),
    ended.then(() => Promise.reject(new Error('the relay did not start'))),
  ])
  return {
    port: Number(line),
    async stop() {
      child.kill()
      await ended
    },
  }
}

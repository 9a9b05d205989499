import { resolve } from 'node:path'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import type { Ground } from '../support/ground.ts'
import type { Sshd } from '../support/sshd.ts'

/** A long line to sshd, in a process of its own so that it takes no time from what is measured. */
export interface DelayProxy {
  readonly port: number
  stop(): Promise<void>
}

export async function startDelayProxy(ground: Ground, { host, port }: Sshd, rttMs: number): Promise<DelayProxy> {
  const args = [resolve('test/bench/delay-proxy.mjs'), '--target', `${host}:${port}`, '--rtt', String(rttMs)]
  const daemon = await startDaemon(process.execPath, args, ground)
  return { port: Number(await said(daemon, /^(\d+)\n/)), stop: () => daemon.stop() }
}

/** Waits until a daemon has said something; the first group of what it said. */
export async function said(daemon: Daemon, words: RegExp, timeoutMs = 15_000): Promise<string> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline && daemon.running(); ) {
    const [, found] = words.exec(daemon.log()) ?? []
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`It did not say ${words}:\n${daemon.log()}`)
}

import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest'
import { Dialogue } from './dialogue.ts'
import { freeRange } from './free-port.ts'
import { type GatewayProgram, type GatewayProgramOptions, startGatewayProgram } from './gateway-program.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'
import { type Sshd, startSshd } from './sshd.ts'

/** Logs in with a password of the gateway's own. */
export const acme = { name: 'acme', password: 'correct horse battery' }

/** A Prometheus for a file of tests, and a backend and a gateway for each. */
export interface AlertPlace {
  readonly prometheus: Prometheus
  readonly sshd: Sshd
  /** Starts the gateway, or another one in its place, that Prometheus scrapes. */
  start(options?: Partial<GatewayProgramOptions>): Promise<GatewayProgram>
  /** A control connection on TLS, its greeting read. */
  connect(): Promise<Dialogue>
  logIn(): Promise<Dialogue>
  /** Called after the test, the last one first. */
  afterwards(close: () => Promise<unknown>): void
}

export function useAlerts(): AlertPlace {
  // Longer than the patience of Prometheus, whose complaint says more.
  vi.setConfig({ testTimeout: 200_000 })
  let adminPort: number
  let prometheus: Prometheus
  let sshd: Sshd
  let gateway: GatewayProgram | undefined
  const closers: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    adminPort = (await freeRange(1)).first
    prometheus = await startPrometheus(adminPort)
  })
  beforeEach(async () => {
    sshd = await startSshd()
  })
  afterEach(async () => {
    await gateway?.stop()
    gateway = undefined
    await sshd?.stop()
    for (const close of closers.splice(0).reverse()) await close()
  })
  afterAll(async () => {
    await prometheus?.stop()
  })

  function running(): GatewayProgram {
    if (!gateway) throw new Error('no gateway was started')
    return gateway
  }
  const options = () => ({ port: running().port, tls: 'explicit', certificate: running().certificate }) as const
  return {
    get prometheus() {
      return prometheus
    },
    get sshd() {
      return sshd
    },
    async start(more = {}) {
      await gateway?.stop()
      gateway = await startGatewayProgram({ sshd, partner: acme, adminPort, ...more })
      return gateway
    },
    async connect() {
      const client = await Dialogue.connect(options())
      await client.dialogue('< 220')
      await client.secure()
      return client
    },
    logIn: () => Dialogue.logIn(options(), acme.name, acme.password),
    afterwards: (close) => void closers.push(close),
  }
}

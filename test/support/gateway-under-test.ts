import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import { startGateway } from '../../src/gateway.ts'
import type { Event } from '../../src/observe/observer.ts'
import { ground } from './ground.ts'
import type { Sshd } from './sshd.ts'

export interface TestGatewayOptions {
  /** The backend; left out where the settings name their own. */
  readonly sshd?: Sshd
  /** Settings as they stand in gateway.yaml; each replaces the whole of its top-level key. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** What partners' moves go by, in place of the clock. */
  readonly now?: () => number
}

/** A gateway in this process, in front of an SFTP server, on free ports of 127.0.0.1. */
export interface TestGateway {
  readonly host: string
  /** Port of the listener with AUTH TLS. */
  readonly explicit: number
  /** Port of the listener with TLS from the first byte. */
  readonly implicit: number
  /** Port of a listener of the test's own settings. */
  port(listener: string): number
  /** Path of the certificate, which the gateway made for itself: clients are told to trust it. */
  readonly certificate: string
  /** Its state directory. */
  readonly state: string
  /** Everything that the gateway told its observer, oldest first. */
  readonly log: readonly Event[]
  /** Takes over what its files say now. */
  reload(): Promise<readonly string[]>
  stop(): Promise<void>
}

const host = '127.0.0.1'

export async function startTestGateway({ sshd, settings = {}, now }: TestGatewayOptions): Promise<TestGateway> {
  const folder = mkdtempSync(join((await ground()).runFolder, 'gateway-'))
  chmodSync(folder, 0o755)
  const file = join(folder, 'gateway.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ ...defaults(sshd), ...settings }))
  const log: Event[] = []
  const observer = (event: Event) => void log.push(event)
  const metrics = { text: async () => '', contentType: 'text/plain' }
  const gateway = await startGateway(await loadConfig(file, {}), observer, metrics, now)
  const port = (name: string) => gateway.listeners.find((listener) => listener.name === name)?.port ?? 0
  return {
    host,
    explicit: port('explicit'),
    implicit: port('implicit'),
    port,
    certificate: join(folder, 'state', 'tls', 'cert.pem'),
    state: join(folder, 'state'),
    log,
    reload: async () => gateway.reload(await loadConfig(file, {})),
    stop: () => gateway.stop(0),
  }
}

function defaults(sshd: Sshd | undefined): Record<string, unknown> {
  return {
    version: 1,
    listeners: [
      { name: 'explicit', address: host, port: 0, tls: 'explicit' },
      { name: 'implicit', address: host, port: 0, tls: 'implicit' },
    ],
    passive: { ports: '0' },
    ...(sshd && {
      backends: [{ name: 'main', host: sshd.host, port: sshd.port, hostKeys: [sshd.fingerprints.ed25519] }],
    }),
    state: { directory: 'state' },
    admin: 'off',
  }
}

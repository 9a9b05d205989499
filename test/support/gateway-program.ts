import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { vi } from 'vitest'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { freePort } from './free-port.ts'
import { ground } from './ground.ts'
import { signal } from './processes.ts'
import type { Sshd } from './sshd.ts'

export interface GatewayProgramOptions {
  readonly sshd: Sshd
  /** Settings as they stand in gateway.yaml; each replaces the whole of its top-level key. */
  readonly settings?: Settings
  /** Further settings of the backend. */
  readonly backend?: Settings
  /** Of /metrics; a free one by default. */
  readonly adminPort?: number
  /** Logs in at the gateway, which enters the backend with a key, over few connections. */
  readonly partner?: LocalUser
  /** A command that starts the gateway, and its first arguments: `sh -c 'ulimit …; exec "$@"' sh`. */
  readonly launcher?: readonly string[]
  /** Options of Node. */
  readonly node?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Where its standard output is; for a launcher that leads it elsewhere. */
  readonly logFile?: string
}

export interface LocalUser {
  readonly name: string
  readonly password: string
}

type Settings = Readonly<Record<string, unknown>>

/** The built gateway as a process of its own, in front of an SFTP server, on 127.0.0.1. */
export interface GatewayProgram {
  readonly pid: number
  /** Port of its listener, with AUTH TLS. */
  readonly port: number
  /** Path of the certificate that it made for itself. */
  readonly certificate: string
  /** Its folder, and that of relative paths in its settings. */
  readonly folder: string
  log(): string
  /** What it has logged, oldest first; what is no JSON is left out. */
  events(name: string): Record<string, unknown>[]
  /** Waits until its log has so many of these events. */
  told(name: string, count?: number): Promise<void>
  /** Port of /metrics. */
  readonly adminPort: number
  /** All metrics, as Prometheus gets them. */
  scrape(): Promise<string>
  /** The value of a metric, its labels as they are written in the text. */
  metric(name: string): Promise<number | undefined>
  /** Writes its configuration anew. */
  configure(settings: Settings): void
  signal(name: NodeJS.Signals): void
  running(): boolean
  /** Waits until it has ended by itself. */
  ended(): Promise<void>
  stop(): Promise<void>
}

const host = '127.0.0.1'

export async function startGatewayProgram(options: GatewayProgramOptions): Promise<GatewayProgram> {
  const { runFolder } = await ground()
  const { sshd, settings, backend = {}, launcher = [], node = [], env = {}, logFile } = options
  const folder = mkdtempSync(join(runFolder, 'gateway-'))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'partners.d'))
  if (logFile !== undefined) writeFileSync(logFile, '')
  if (options.partner) await writePartner(folder, sshd, options.partner)
  const adminPort = options.adminPort ?? (await freePort())
  const file = join(folder, 'gateway.yaml')
  const configure = (changes: Settings) =>
    writeFileSync(file, JSON.stringify({ ...defaults(sshd, adminPort, backend), ...changes }))
  configure(settings ?? {})
  const program = [process.execPath, ...node, resolve('dist/main.js'), 'serve', '--config', file]
  const [command = '', ...args] = [...launcher, ...program]
  const daemon = await startDaemon(command, args, { runFolder, env: { ...process.env, ...env }, cwd: folder })
  const log = () => (logFile === undefined ? daemon.log() : readFileSync(logFile, 'utf8'))
  const port = await listening(daemon, log)
  const events = (name: string) => linesOf(log()).filter(({ event }) => event === name)
  const scrape = async () => (await fetch(`http://${host}:${adminPort}/metrics`)).text()
  return {
    pid: daemon.pid,
    port,
    certificate: join(folder, 'state', 'tls', 'cert.pem'),
    folder,
    log,
    events,
    async told(name, count = 1) {
      await until(
        () => events(name).length >= count,
        () => `${count} of ${name} in:\n${log()}`,
      )
    },
    adminPort,
    scrape,
    async metric(name) {
      const text = await scrape()
      const line = text.split('\n').find((each) => each.startsWith(`${name} `))
      return line === undefined ? undefined : Number(line.slice(name.length + 1))
    },
    configure,
    signal: (name) => signal(daemon.pid, name),
    running: daemon.running,
    ended: () =>
      until(
        () => !daemon.running(),
        () => `its end:\n${log()}`,
      ),
    stop: daemon.stop,
  }
}

async function listening(daemon: Daemon, log: () => string): Promise<number> {
  const port = () => linesOf(log()).find(({ event }) => event === 'gateway.listening')?.['port']
  try {
    await until(
      () => port() !== undefined || !daemon.running(),
      () => `its start:\n${log()}`,
    )
    const found = port()
    if (typeof found !== 'number') throw new Error(`the gateway does not start:\n${daemon.log()}`)
    return found
  } catch (error) {
    await daemon.stop()
    throw error
  }
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  await vi.waitUntil(condition, { timeout: 30_000, interval: 20 }).catch((error: unknown) => {
    throw new Error(`waited in vain for ${what()}`, { cause: error })
  })
}

function linesOf(text: string): Record<string, unknown>[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line.startsWith('{') ? [JSON.parse(line)] : []
    } catch {
      return []
    }
  })
}

async function writePartner(folder: string, sshd: Sshd, { name, password }: LocalUser): Promise<void> {
  const sftp = { username: sshd.user.name, privateKey: sshd.privateKey }
  const auth = { mode: 'local', passwordHash: await hashPassword(password), sftp }
  const partner = { name, match: { users: [name] }, auth }
  writeFileSync(join(folder, 'partners.d', `${name}.yaml`), JSON.stringify(partner))
}

function defaults(sshd: Sshd, adminPort: number, backend: Settings): Settings {
  const main = { name: 'main', host: sshd.host, port: sshd.port, hostKeys: [sshd.fingerprints.ed25519], ...backend }
  return {
    version: 1,
    listeners: [{ name: 'explicit', address: host, port: 0, tls: 'explicit' }],
    passive: { ports: 0 },
    backends: [main],
    defaults: { backend: 'main' },
    partners: 'partners.d/*.yaml',
    limits: { sessionsPerAddress: 1000 },
    shutdown: { drain: '2s' },
    state: { directory: 'state' },
    admin: { address: host, port: adminPort },
  }
}

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { startDaemon } from '../support/daemon.ts'
import { startOnFreePort } from '../support/free-port.ts'
import type { Ground } from '../support/ground.ts'
import type { Sshd } from '../support/sshd.ts'

/** An FTPS server with a login, in front of sshd's files or beside it. */
export interface FtpServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly user: string
  readonly password: string
  /** Path of the certificate. */
  readonly certificate: string
  stop(): Promise<void>
}

export interface GatewayOptions {
  /** Makes it a process of its own; also part of its folder's name. */
  readonly name: string
  /** Where it finds sshd; default: sshd's own port. */
  readonly backendPort?: number
  /** Connections for one large file. */
  readonly stripe?: number
}

/** The account whose password the gateway checks itself, so that its logins share connections to the backend. */
export const pooled = { user: 'pooled', password: 'the password of the pooled account' }

/** One built gateway in front of sshd as a process of its own. */
export async function startGateway(ground: Ground, sshd: Sshd, options: GatewayOptions): Promise<FtpServer> {
  const folder = mkdtempSync(join(ground.runFolder, `gateway-${options.name}-`))
  mkdirSync(join(folder, 'partners.d'))
  const partner = {
    name: 'pooled',
    match: { users: [pooled.user] },
    auth: {
      mode: 'local',
      passwordHash: await hashPassword(pooled.password),
      sftp: { username: sshd.user.name, privateKey: sshd.privateKey },
    },
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'partners.d', 'pooled.yaml'), JSON.stringify(partner))
  const { name: user, password } = sshd.user
  return serve(ground, folder, { user, password }, (port) => configuration(sshd, port, options))
}

/** One built gateway that relays everybody to an old server. */
export function startRelay(ground: Ground, { port, user, password, certificate }: FtpServer): Promise<FtpServer> {
  const folder = mkdtempSync(join(ground.runFolder, 'gateway-relay-'))
  const old = { name: 'old', type: 'ftps', host: '127.0.0.1', port, tls: { ca: certificate } }
  return serve(ground, folder, { user, password }, (own) => ({
    ...common(own),
    backends: [old],
    defaults: { phase: 'legacy', legacy: 'old' },
  }))
}

async function serve(
  ground: Ground,
  folder: string,
  account: Pick<FtpServer, 'user' | 'password'>,
  configured: (port: number) => object,
): Promise<FtpServer> {
  const { daemon, port } = await startOnFreePort(/^220/, (candidate) => {
    const file = join(folder, 'gateway.yaml')
    writeFileSync(file, JSON.stringify(configured(candidate)))
    return startDaemon(process.execPath, [resolve('dist/main.js'), 'serve', '--config', file], ground)
  })
  return {
    url: `ftp://127.0.0.1:${port}`,
    port,
    pid: daemon.pid,
    ...account,
    certificate: join(folder, 'state', 'tls', 'cert.pem'),
    stop: () => daemon.stop(),
  }
}

function configuration(sshd: Sshd, port: number, options: GatewayOptions): object {
  const { backendPort = sshd.port, stripe = 1 } = options
  const hostKeys = [sshd.fingerprints.ed25519]
  return {
    ...common(port),
    backends: [{ name: 'main', host: sshd.host, port: backendPort, hostKeys, stripe }],
    defaults: { backend: 'main' },
    partners: 'partners.d/*.yaml',
  }
}

function common(port: number): object {
  return {
    version: 1,
    listeners: [{ name: 'explicit', address: '127.0.0.1', port, tls: 'explicit' }],
    passive: { ports: 0 },
    limits: { sessionsPerAddress: 200 },
    state: { directory: 'state' },
    admin: 'off',
  }
}

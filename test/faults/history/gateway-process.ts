import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { hashPassword } from '../../../src/partners/password-hash.ts'
import { type Daemon, startDaemon } from '../../support/daemon.ts'
import { startOnFreePort } from '../../support/free-port.ts'
import type { Ground } from '../../support/ground.ts'
import { signal } from '../../support/processes.ts'
import type { Sshd } from '../../support/sshd.ts'

/** The built gateway as a process that can be killed and comes back on its port. */
export interface GatewayProcess {
  readonly port: number
  /** All that it has logged, over all its lives. */
  log(): string
  /** Open file descriptors. */
  descriptors(): number
  /** SIGKILL, and another one on the same port. */
  kill(): Promise<void>
  /** SIGTERM, and another one when it has ended by itself. */
  restart(): Promise<void>
  /** Whether it has ended without being asked to. */
  readonly died: boolean
  stop(): Promise<void>
}

export interface Account {
  readonly user: string
  readonly password: string
}

/** `partners` log in at the gateway, which enters the backend with a key; others are passed through. */
export async function startGatewayProcess(
  ground: Ground,
  sshd: Sshd,
  backendPort: number,
  partners: readonly Account[],
): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(ground.runFolder, 'faults-gateway-'))
  mkdirSync(join(folder, 'partners.d'))
  for (const { user, password } of partners) {
    const sftp = { username: sshd.user.name, privateKey: sshd.privateKey }
    const auth = { mode: 'local', passwordHash: await hashPassword(password), sftp }
    writeFileSync(
      join(folder, 'partners.d', `${user}.yaml`),
      JSON.stringify({ name: user, match: { users: [user] }, auth }),
    )
  }
  const file = join(folder, 'gateway.yaml')
  const start = (port: number) => {
    writeFileSync(file, JSON.stringify(configuration(sshd, port, backendPort)))
    return startDaemon(process.execPath, [resolve('dist/main.js'), 'serve', '--config', file], ground)
  }
  const first = await startOnFreePort(/^220/, start)
  const { port } = first
  let daemon: Daemon = first.daemon
  let earlier = ''
  let died = false
  const again = async () => {
    earlier += daemon.log()
    // The backend may be away at this moment, and then the gateway does not start.
    for (let attempt = 0; ; attempt++) {
      daemon = await start(port)
      for (let i = 0; i < 100 && daemon.running() && !daemon.log().includes('"gateway.listening"'); i++) {
        await new Promise((done) => setTimeout(done, 50))
      }
      if (daemon.running()) return
      if (attempt === 20) throw new Error(`the gateway does not start again:\n${daemon.log()}`)
      await new Promise((done) => setTimeout(done, 500))
    }
  }
  const ended = async () => {
    while (daemon.running()) await new Promise((done) => setTimeout(done, 10))
    await daemon.stop()
  }
  return {
    port,
    log: () => earlier + daemon.log(),
    descriptors: () => readdirSync(`/proc/${daemon.pid}/fd`).length,
    get died() {
      died ||= !daemon.running()
      return died
    },
    async kill() {
      signal(daemon.pid, 'SIGKILL')
      await ended()
      await again()
    },
    async restart() {
      signal(daemon.pid, 'SIGTERM')
      await ended()
      await again()
    },
    stop: () => daemon.stop(),
  }
}

function configuration(sshd: Sshd, port: number, backendPort: number): object {
  return {
    version: 1,
    listeners: [{ name: 'explicit', address: '127.0.0.1', port, tls: 'explicit' }],
    passive: { ports: 0 },
    backends: [
      {
        name: 'main',
        host: sshd.host,
        port: backendPort,
        hostKeys: [sshd.fingerprints.ed25519],
        timeouts: { connect: '5s', request: '10s' },
      },
    ],
    defaults: { backend: 'main' },
    partners: 'partners.d/*.yaml',
    limits: { sessionsPerAddress: 200 },
    timeouts: { dataStall: '15s', dataConnect: '10s' },
    shutdown: { drain: '10s' },
    state: { directory: 'state' },
    admin: 'off',
  }
}

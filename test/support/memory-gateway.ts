import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FtpServer } from '../../src/control/ftp-server.ts'
import type { ListenerPolicy, SessionOptions } from '../../src/control/session-options.ts'
import { type AdvertiseSettings, advertised } from '../../src/data/advertised-address.ts'
import { PassivePorts } from '../../src/data/passive-ports.ts'
import { SourcePorts } from '../../src/data/source-ports.ts'
import { toText } from '../../src/ftp/bytes.ts'
import { changed, type DialectChanges, usualDialect } from '../../src/ftp/dialect.ts'
import { Secret } from '../../src/ftp/secret.ts'
import type { Event, TransferRecords } from '../../src/observe/observer.ts'
import { storedIn } from '../../src/partners/stored-names.ts'
import type { Certificate } from '../../src/tls/certificates.ts'
import type { ClientAuthorities } from '../../src/tls/client-certificates.ts'
import { createTls } from '../../src/tls/session-tls.ts'
import { testCertificate } from './certificates.ts'
import { Dialogue, type DialogueOptions } from './dialogue.ts'
import { MemoryBackend } from './memory-backend.ts'

export interface MemoryGatewayOptions {
  readonly tls?: ListenerPolicy['tls']
  readonly greetingDelayMs?: number
  /** True by default where there is TLS. */
  readonly requireTls?: boolean
  /** CCC may take the TLS off. */
  readonly ccc?: boolean
  readonly timeouts?: Partial<SessionOptions['timeouts']>
  readonly limits?: Partial<FtpServer['limits']>
  readonly dialect?: DialectChanges
  /** Any free port by default. */
  readonly passivePorts?: { readonly first: number; readonly last: number }
  readonly advertise?: Partial<AdvertiseSettings>
  /** In place of logins that are all let in. */
  readonly logins?: Pick<SessionOptions, 'logIn' | 'prepare' | 'routeOf' | 'certificateSuffices'>
  /** Clients are asked for certificates. */
  readonly clients?: ClientAuthorities
  /** Made by the gateway itself by default. */
  readonly certificates?: readonly Certificate[]
  /** Numeric; 127.0.0.1 by default. */
  readonly address?: string
  /** What the partner of every login says otherwise. */
  readonly partner?: DialectChanges
  /** Where records of transfers go; nowhere by default. */
  readonly records?: TransferRecords
}

/** The control side over files in memory: everything but partners, SFTP and configuration is the real thing. */
export interface MemoryGateway {
  readonly backend: MemoryBackend
  readonly server: FtpServer
  readonly ports: PassivePorts
  readonly port: number
  readonly events: Event[]
  /** A control connection, its greeting still to be read. */
  connect(options?: Partial<DialogueOptions>): Promise<Dialogue>
  /** A control connection that has logged in as `test`. */
  logIn(): Promise<Dialogue>
  stop(): Promise<void>
}

export async function startMemoryGateway(options: MemoryGatewayOptions = {}): Promise<MemoryGateway> {
  const { tls = 'off', passivePorts = { first: 0, last: 0 }, address = '127.0.0.1' } = options
  const backend = new MemoryBackend()
  const events: Event[] = []
  const observer = (event: Event) => void events.push(event)
  const ports = new PassivePorts(passivePorts, observer)
  const certificates = options.certificates ?? [await testCertificate()]
  const folder = mkdtempSync(join(tmpdir(), 'memory-gateway-'))
  writeFileSync(join(folder, 'cert.pem'), certificates[0]?.cert ?? '')
  const dialect = changed(usualDialect, options.dialect ?? {})
  const sessions: SessionOptions = {
    tls: await createTls({ certificates, minVersion: 'TLSv1.2' }),
    ports,
    advertise: advertised({ advertise: 'auto', advertiseFor: [], ...options.advertise }, observer),
    sourcePorts: new SourcePorts({ first: 0, last: 0 }, observer),
    routeOf: () => ({ partner: 'default', backend: 'memory' }),
    prepare: () => undefined,
    certificateSuffices: () => false,
    clientAuthorities: new Map(options.clients && [['test', options.clients]]),
    async logIn({ username, password = new Secret('secret') }) {
      const credentials = { kind: 'password', username: toText(username), password } as const
      const files = storedIn(await backend.open(credentials), dialect.names.backendCharset)
      return { partner: 'default', backend: 'memory', dialect: options.partner ?? {}, files }
    },
    ...options.logins,
    loginAttempts: 3,
    dialect,
    timeouts: {
      loginMs: 30_000,
      idleMs: 30_000,
      idleMaxMs: 60_000,
      handshakeMs: 10_000,
      dataConnectMs: 10_000,
      dataStallMs: 30_000,
      ...options.timeouts,
    },
    observer,
    records: options.records ?? { on: false, write: async () => {} },
  }
  const server = new FtpServer(sessions, {
    sessions: 50,
    sessionsPerAddress: 50,
    refusalsPerAddress: 20,
    ...options.limits,
  })
  const listener = {
    name: 'test',
    address,
    port: 0,
    tls,
    requireTls: options.requireTls ?? tls !== 'off',
    sessionReuse: undefined,
    active: undefined,
    greetingDelayMs: options.greetingDelayMs,
    ccc: options.ccc ?? false,
  }
  const door = await server.open(listener)
  door.admit(listener)
  const { port } = door
  const connect = (more: Partial<DialogueOptions> = {}) =>
    Dialogue.connect({ host: address, port, tls, certificate: join(folder, 'cert.pem'), ...more })
  return {
    backend,
    server,
    ports,
    port,
    events,
    connect,
    async logIn() {
      const client = await connect()
      await client.dialogue('< 220')
      if (tls === 'explicit') await client.secure()
      await client.dialogue('> USER test', '< 331', '> PASS secret', '< 230', '> TYPE I', '< 200')
      return client
    },
    async stop() {
      await server.stop(0)
      await ports.close()
      rmSync(folder, { recursive: true })
    },
  }
}

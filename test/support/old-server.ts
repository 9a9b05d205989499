import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { emptyFolder } from './fixtures.ts'
import { startTestGateway, type TestGateway } from './gateway-under-test.ts'
import { ground, type TestUser } from './ground.ts'
import type { Site } from './place.ts'
import { startProftpdFtps } from './proftpd-ftps.ts'
import { startVsftpd } from './vsftpd.ts'

/** A server that the relay leads to. */
export interface OldServerUnderTest {
  readonly host: string
  readonly port: number
  readonly user: TestUser
  /** Path of the certificate that it shows. */
  readonly certificate: string
  /** Owned by the user, who starts there. */
  readonly home: string
  log(): string
  stop(): Promise<void>
}

/** Each of them wants the TLS session of the control connection on its data connections. */
export const oldServers = {
  vsftpd: () => startVsftpd({ requireReuse: true }),
  'ProFTPD, TLS 1.3': () => startProftpdFtps('TLSv1.3'),
  'ProFTPD, TLS 1.2': () => startProftpdFtps('TLSv1.2'),
} satisfies Record<string, () => Promise<OldServerUnderTest>>

export interface RelayPlace {
  readonly old: OldServerUnderTest
  readonly gateway: TestGateway
  /** The client's files. */
  readonly local: string
  /** How the gateway is reached. */
  site(mode: 'explicit' | 'implicit', tls: Site['tls']): Site
  /** The old server itself, to know how a client fares there. */
  direct(tls: Site['tls']): Site
}

/** The gateway's settings for an old server, to which everybody is relayed. */
export function relayedTo({ host, port, certificate }: OldServerUnderTest, tls: object = {}): Record<string, unknown> {
  const server = { name: 'old', type: 'ftps', host, port, tls: { ca: certificate, ...tls } }
  return { backends: [server], defaults: { phase: 'legacy', legacy: 'old' } }
}

/** A gateway in front of an old server for the tests of one block; both folders are emptied after each test. */
export function useRelay(start: () => Promise<OldServerUnderTest>, settings: Record<string, unknown> = {}): RelayPlace {
  let old: OldServerUnderTest
  let gateway: TestGateway
  let local: string
  beforeAll(async () => {
    old = await start()
    local = mkdtempSync(join((await ground()).runFolder, 'local-'))
    mkdirSync(local, { recursive: true })
    gateway = await startTestGateway({ settings: { ...relayedTo(old), ...settings } })
  })
  afterEach(() => {
    emptyFolder(old.home)
    emptyFolder(local)
  })
  afterAll(async () => {
    await gateway?.stop()
    await old?.stop()
  })
  const site = (port: number, mode: Site['mode'], tls: Site['tls'], certificate: string): Site => ({
    host: old.host,
    port,
    mode,
    tls,
    data: 'passive',
    user: old.user.name,
    password: old.user.password,
    certificate,
    folder: local,
  })
  return {
    get old() {
      return old
    },
    get gateway() {
      return gateway
    },
    get local() {
      return local
    },
    site: (mode, tls) => site(gateway[mode], mode, tls, gateway.certificate),
    direct: (tls) => site(old.port, 'explicit', tls, old.certificate),
  }
}

import { chownSync, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { ByteString } from '../../src/ftp/bytes.ts'
import { emptyFolder, type Fixture, pathOf } from './fixtures.ts'
import { startTestGateway, type TestGateway, type TestGatewayOptions } from './gateway-under-test.ts'
import { type Sshd, startSshd } from './sshd.ts'

/** Where a client connects, and how. */
export interface Site {
  readonly host: string
  readonly port: number
  /** `off`: plain FTP. */
  readonly mode: 'explicit' | 'implicit' | 'off'
  /** The only TLS version that the client may use. */
  readonly tls: '1.2' | '1.3'
  /** Who connects the data connections. */
  readonly data: 'passive' | 'active'
  readonly user: string
  readonly password: string
  /** Path of the certificate that the client must insist on. */
  readonly certificate: string
  /** A folder for the client's own files; also its HOME, so that nobody's settings interfere. */
  readonly folder: string
}

export interface Place {
  /** The backend's files, on disk. */
  readonly home: string
  /** The client's files. */
  readonly local: string
  site(mode: 'explicit' | 'implicit', tls: Site['tls']): Site
  readonly sshd: Sshd
  readonly gateway: TestGateway
  /** Puts a file on the backend without the gateway. */
  give(name: ByteString, file: Fixture): void
}

/** A gateway in front of sshd for the tests of one block; both folders are emptied after each test. */
export function usePlace(settings: TestGatewayOptions['settings'] = {}): Place {
  let sshd: Sshd
  let gateway: TestGateway
  let local: string
  beforeAll(async () => {
    sshd = await startSshd()
    local = join(sshd.folder, `local files`)
    mkdirSync(local)
    gateway = await startTestGateway({ sshd, settings })
  })
  afterEach(() => {
    emptyFolder(sshd.home)
    emptyFolder(local)
  })
  afterAll(async () => {
    await gateway?.stop()
    await sshd?.stop()
  })
  return {
    get sshd() {
      return sshd
    },
    get gateway() {
      return gateway
    },
    get home() {
      return sshd.home
    },
    get local() {
      return local
    },
    site: (mode, tls) => ({
      host: sshd.host,
      port: gateway[mode],
      mode,
      tls,
      data: 'passive',
      user: sshd.user.name,
      password: sshd.user.password,
      certificate: gateway.certificate,
      folder: local,
    }),
    give(name, file) {
      const path = pathOf(sshd.home, name)
      copyFileSync(file.path, path)
      chownSync(path, sshd.user.uid, sshd.user.gid)
    },
  }
}

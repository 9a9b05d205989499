import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, statfsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startDaemon } from '../support/daemon.ts'
import { type Fixture, makeFixture } from '../support/fixtures.ts'
import { startOnFreePort } from '../support/free-port.ts'
import type { Ground } from '../support/ground.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

/** One sshd, one built gateway in front of it as a process of its own, and the file to move. */
export interface BenchPlace {
  readonly sshd: Sshd
  /** A file with sshd's host keys. */
  readonly knownHosts: string
  readonly gatewayUrl: string
  readonly gatewayPid: number
  /** Path of the gateway's certificate. */
  readonly certificate: string
  /** The file to upload; the same content is `source` in sshd's home. */
  readonly source: string
  readonly fixture: Fixture
  /** Where downloads go. */
  readonly local: string
  stop(): Promise<void>
}

/** Starts both; `folder` takes the files. What was started ends with the ground, should this fail half-way. */
export async function startBenchPlace(ground: Ground, folder: string, bytes: number): Promise<BenchPlace> {
  const local = join(folder, 'local')
  mkdirSync(local)
  const fixture = await makeFixture(folder, bytes)
  const sshd = await startSshd({ ground, home: join(folder, 'home') })
  copyFileSync(fixture.path, join(sshd.home, 'source'))
  chownSync(join(sshd.home, 'source'), sshd.user.uid, sshd.user.gid)
  const knownHosts = join(sshd.folder, 'known_hosts')
  writeFileSync(knownHosts, sshd.knownHosts)
  const { daemon, port } = await startOnFreePort(/^220/, (candidate) => {
    const file = join(sshd.folder, 'gateway.yaml')
    writeFileSync(file, JSON.stringify(configuration(sshd, candidate)))
    return startDaemon(process.execPath, [resolve('dist/main.js'), 'serve', '--config', file], ground)
  })
  return {
    sshd,
    knownHosts,
    gatewayUrl: `ftp://127.0.0.1:${port}`,
    gatewayPid: daemon.pid,
    certificate: join(sshd.folder, 'state', 'tls', 'cert.pem'),
    source: fixture.path,
    fixture,
    local,
    async stop() {
      await daemon.stop()
      await sshd.stop()
    },
  }
}

/** A new folder for `bytes`, in memory where that is large enough. */
export function makeBenchFolder(ground: Ground, bytes: number): string {
  const folder = mkdtempSync(join(memoryFolder(bytes) ?? ground.runFolder, 'ftps-gateway-bench-'))
  chmodSync(folder, 0o755)
  return folder
}

/** Memory, so that the disk is no part of the comparison: the gateway waits for fsync, and sftp does not. */
function memoryFolder(bytesNeeded: number): string | undefined {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > bytesNeeded ? '/dev/shm' : undefined
  } catch {
    return undefined
  }
}

function configuration(sshd: Sshd, port: number): object {
  return {
    version: 1,
    listeners: [{ name: 'explicit', address: '127.0.0.1', port, tls: 'explicit' }],
    passive: { ports: 0 },
    backends: [{ name: 'main', host: sshd.host, port: sshd.port, hostKeys: [sshd.fingerprints.ed25519] }],
    state: { directory: 'state' },
    admin: 'off',
  }
}

import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Fixture, makeFixture } from '../support/fixtures.ts'
import type { Ground } from '../support/ground.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { type DelayProxy, startDelayProxy } from './proxy.ts'
import { type FtpServer, type GatewayOptions, startGateway, startRelay } from './servers.ts'
import { makeLargeDirectory, makeSmallFiles, type SmallFiles } from './small-files.ts'
import { startFtpSrv, startLocalVsftpd, startOldVsftpd, startSshfsVsftpd } from './yardsticks.ts'

/** One sshd, the files to move, and servers in front of it, each started when the first row wants it. */
export interface BenchPlace {
  readonly ground: Ground
  readonly sshd: Sshd
  /** A file with sshd's host keys, under `hostAlias`. */
  readonly knownHosts: string
  readonly hostAlias: string
  /** The client's files; downloads go there. */
  readonly local: string
  /** A file of so many bytes to upload; the same content is in sshd's home as `source-<bytes>`. */
  source(bytes: number): Promise<Fixture>
  smallFiles(count: number): Promise<SmallFiles>
  /** The directory `large` in sshd's home. */
  largeDirectory(entries: number): Promise<void>
  gateway(options: GatewayOptions): Promise<FtpServer>
  /** A gateway that relays to the old server `vsftpd, old`. */
  relay(): Promise<FtpServer>
  /** A line of this round trip in front of sshd. */
  proxy(rttMs: number): Promise<DelayProxy>
  /** FTPS servers to compare with. */
  yardstick(kind: Yardstick): Promise<FtpServer>
  stop(): Promise<void>
}

export type Yardstick = keyof typeof yardsticks

const yardsticks = {
  'vsftpd, local': startLocalVsftpd,
  'vsftpd, old': startOldVsftpd,
  'vsftpd over sshfs': startSshfsVsftpd,
  'ftp-srv over ssh2': startFtpSrv,
}

const hostAlias = 'bench-sshd'

/** `folder` takes the files. What was started ends with the ground, should this fail half-way. */
export async function startBenchPlace(ground: Ground, folder: string): Promise<BenchPlace> {
  const local = join(folder, 'local')
  mkdirSync(local)
  const sshd = await startSshd({ ground, home: join(folder, 'home') })
  const knownHosts = join(sshd.folder, 'known_hosts')
  writeFileSync(knownHosts, sshd.knownHosts.replaceAll(/^\S+/gm, hostAlias))
  const started: Running[] = [sshd]
  /** Remembers what has to be stopped. */
  const kept = async <T extends Running>(starting: Promise<T>): Promise<T> => {
    const running = await starting
    started.push(running)
    return running
  }
  const gateway = once((options: GatewayOptions) => kept(startGateway(ground, sshd, options)))
  const relay = once(async (old: Yardstick) => kept(startRelay(ground, await place.yardstick(old))))
  const proxy = once((rttMs: number) => kept(startDelayProxy(ground, sshd, rttMs)))
  const source = once((bytes: number) => makeSource(folder, sshd, bytes))
  const smallFiles = once(async (count: number) => makeSmallFiles(folder, sshd.home, sshd.user, count))
  const largeDirectory = once(async (entries: number) => makeLargeDirectory(sshd.home, sshd.user, entries))
  const yardstick = once((kind: Yardstick) => kept(yardsticks[kind](place)))
  const place: BenchPlace = {
    ground,
    sshd,
    knownHosts,
    hostAlias,
    local,
    source: (bytes) => source(String(bytes), bytes),
    smallFiles: (count) => smallFiles(String(count), count),
    largeDirectory: (entries) => largeDirectory(String(entries), entries),
    gateway: (options) => gateway(options.name, options),
    relay: () => relay('relay', 'vsftpd, old'),
    proxy: (rttMs) => proxy(String(rttMs), rttMs),
    yardstick: (kind) => yardstick(kind, kind),
    async stop() {
      for (const running of started.reverse()) await running.stop()
    },
  }
  return place
}

interface Running {
  stop(): Promise<void>
}

/** Starts something the first time that its key is asked for. */
function once<A, T>(start: (argument: A) => Promise<T>): (key: string, argument: A) => Promise<T> {
  const made = new Map<string, Promise<T>>()
  return (key, argument) => {
    const value = made.get(key) ?? start(argument)
    made.set(key, value)
    return value
  }
}

async function makeSource(folder: string, { home, user }: Sshd, bytes: number): Promise<Fixture> {
  const fixture = await makeFixture(folder, bytes)
  const remote = join(home, `source-${bytes}`)
  copyFileSync(fixture.path, remote)
  chownSync(remote, user.uid, user.gid)
  return fixture
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

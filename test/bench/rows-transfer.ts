import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../support/fixtures.ts'
import type { BenchPlace, Yardstick } from './bench-place.ts'
import { aes, curl, sftp } from './clients.ts'
import type { Attempt, Contender, Row } from './row.ts'
import type { FtpServer, GatewayOptions } from './servers.ts'
import { sshfsMissing } from './sshfs.ts'

const mib = 1024 * 1024

/** One large file over loopback, each way. */
export const transferRows: readonly Row[] = [
  {
    name: 'download-0ms',
    title: 'RETR of one large file',
    unit: 'MiB/s',
    amount: ({ size }) => size,
    contenders: [
      { name: 'sftp get', prepare: (place, size) => sftpGet(place, size) },
      { name: 'sftp get, aes128-gcm', prepare: (place, size) => sftpGet(place, size, { options: aes }) },
      gatewayGet('gateway', { name: 'main' }),
      yardstick('vsftpd, local', ftpGet),
      yardstick('vsftpd over sshfs', ftpGet),
      yardstick('ftp-srv over ssh2', ftpGet),
    ],
    targets: [
      { contender: 'gateway', measure: 'speed', atLeast: 0.95 },
      { contender: 'gateway', measure: 'speed', against: 'vsftpd over sshfs', atLeast: 2 },
      { contender: 'gateway', measure: 'cpu', atMost: 1.2 },
    ],
  },
  {
    name: 'upload-0ms',
    title: 'STOR of one large file',
    unit: 'MiB/s',
    amount: ({ size }) => size,
    contenders: [
      { name: 'sftp put', prepare: (place, size) => sftpPut(place, size) },
      { name: 'sftp put, aes128-gcm', prepare: (place, size) => sftpPut(place, size, { options: aes }) },
      gatewayPut('gateway', { name: 'main' }),
      yardstick('vsftpd, local', ftpPut),
      yardstick('vsftpd over sshfs', ftpPut),
      yardstick('ftp-srv over ssh2', ftpPut),
    ],
    targets: [
      { contender: 'gateway', measure: 'speed', atLeast: 1 },
      { contender: 'gateway', measure: 'speed', against: 'vsftpd over sshfs', atLeast: 2 },
      { contender: 'gateway', measure: 'cpu', atMost: 1.2 },
    ],
  },
]

type SftpOptions = Parameters<typeof sftp>[2]

export async function sftpGet(place: BenchPlace, size: number, options?: SftpOptions): Promise<Attempt> {
  return download(place, size, (name, target) => sftp(place, [`get ${name} ${target}`], options))
}

export async function sftpPut(place: BenchPlace, size: number, options?: SftpOptions): Promise<Attempt> {
  return upload(place, size * mib, (source) => sftp(place, [`put ${source} stored`], options))
}

export function ftpGet(place: BenchPlace, size: number, server: FtpServer): Promise<Attempt> {
  return download(place, size, (name, target) =>
    curl(server, [`url = "${server.url}/${name}"`, `output = "${target}"`]),
  )
}

export function ftpPut(place: BenchPlace, size: number, server: FtpServer): Promise<Attempt> {
  return upload(place, size * mib, (source) =>
    curl(server, [`url = "${server.url}/stored"`, `upload-file = "${source}"`]),
  )
}

/** An FTPS server to compare with, which moves a file as `move` does. */
export function yardstick(kind: Yardstick, move: typeof ftpGet): Contender {
  return {
    name: kind,
    prepare: async (place, amount) => move(place, amount, await place.yardstick(kind)),
    ...(kind === 'vsftpd over sshfs' && { missing: sshfsMissing }),
  }
}

/** The gateway's options may need a server that has to be started first. */
type OptionsOf = GatewayOptions | ((place: BenchPlace) => Promise<GatewayOptions>)

export function gatewayGet(name: string, options: OptionsOf): Contender {
  const gateway = starter(options)
  return { name, gateway, prepare: async (place, size) => ftpGet(place, size, await gateway(place)) }
}

export function gatewayPut(name: string, options: OptionsOf): Contender {
  const gateway = starter(options)
  return { name, gateway, prepare: async (place, size) => ftpPut(place, size, await gateway(place)) }
}

function starter(options: OptionsOf): (place: BenchPlace) => Promise<FtpServer> {
  return async (place) => place.gateway(typeof options === 'function' ? await options(place) : options)
}

async function download(
  place: BenchPlace,
  size: number,
  fetch: (name: string, target: string) => Promise<unknown>,
): Promise<Attempt> {
  const { sha256: expected } = await place.source(size * mib)
  const target = fresh(join(place.local, 'fetched'))
  return { go: () => fetch(`source-${size * mib}`, target), check: () => same(target, expected) }
}

/** Sends the source of so many bytes, by whatever `store` does. */
export async function upload(
  place: BenchPlace,
  bytes: number,
  store: (source: string) => Promise<unknown>,
): Promise<Attempt> {
  const { path, sha256: expected } = await place.source(bytes)
  const target = fresh(join(place.sshd.home, 'stored'))
  return { go: () => store(path), check: () => same(target, expected) }
}

async function same(path: string, expected: string): Promise<void> {
  if ((await sha256(path)) !== expected) throw new Error(`${path} is not the file that was sent`)
}

function fresh(path: string): string {
  rmSync(path, { force: true })
  return path
}

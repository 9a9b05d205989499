import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { runOk } from '../support/run.ts'
import type { BenchPlace } from './bench-place.ts'

/** Something that moves the file once, from the start of a process to its end, login included. */
export interface Contender {
  readonly name: string
  /** Returns the path of the file that arrived. */
  move(place: BenchPlace): Promise<string>
  /** Whether the gateway works for it, so that its CPU time counts. */
  readonly throughGateway?: boolean
  /** The ratio to the row's first contender that the project promises. */
  readonly target?: number
}

/** Contenders that do the same work; the first one is the yardstick. A new comparison is a new row here. */
export interface Row {
  readonly name: string
  readonly contenders: readonly [Contender, ...Contender[]]
}

export const rows: readonly Row[] = [
  {
    name: 'download',
    contenders: [
      { name: 'sftp get', move: (place) => sftpGet(place, []) },
      { name: 'sftp get, aes128-gcm', move: (place) => sftpGet(place, aes) },
      { name: 'gateway, curl RETR', move: curlGet, throughGateway: true, target: 0.75 },
    ],
  },
  {
    name: 'upload',
    contenders: [
      { name: 'sftp put', move: (place) => sftpPut(place, []) },
      { name: 'sftp put, aes128-gcm', move: (place) => sftpPut(place, aes) },
      { name: 'gateway, curl STOR', move: curlPut, throughGateway: true, target: 0.9 },
    ],
  },
]

/** What the gateway prefers too; OpenSSH's own first choice is chacha20-poly1305. */
const aes = ['-c', 'aes128-gcm@openssh.com']

async function sftpGet(place: BenchPlace, options: readonly string[]): Promise<string> {
  const target = fresh(join(place.local, 'fetched'))
  await sftp(place, options, `get source ${target}`)
  return target
}

async function sftpPut(place: BenchPlace, options: readonly string[]): Promise<string> {
  const target = fresh(join(place.sshd.home, 'stored'))
  await sftp(place, options, `put ${place.source} stored`)
  return target
}

async function sftp(place: BenchPlace, options: readonly string[], command: string): Promise<void> {
  const { sshd } = place
  const settings = [`UserKnownHostsFile=${place.knownHosts}`, 'StrictHostKeyChecking=yes', 'IdentitiesOnly=yes']
  await runOk(
    'sftp',
    [
      ...['-q', '-b', '-', '-F', 'none', '-P', String(sshd.port), '-i', sshd.privateKey],
      ...settings.flatMap((setting) => ['-o', setting]),
      ...options,
      `${sshd.user.name}@${sshd.host}`,
    ],
    { input: `${command}\n`, timeoutMs },
  )
}

async function curlGet(place: BenchPlace): Promise<string> {
  const target = fresh(join(place.local, 'fetched'))
  await curl(place, [`url = "${place.gatewayUrl}/source"`, `output = "${target}"`])
  return target
}

async function curlPut(place: BenchPlace): Promise<string> {
  const target = fresh(join(place.sshd.home, 'stored'))
  await curl(place, [`url = "${place.gatewayUrl}/stored"`, `upload-file = "${place.source}"`])
  return target
}

async function curl({ sshd, certificate }: BenchPlace, transfer: readonly string[]): Promise<void> {
  const login = [`user = "${sshd.user.name}:${sshd.user.password}"`, `cacert = "${certificate}"`, 'ssl-reqd']
  const input = [...login, 'silent', 'show-error', ...transfer].join('\n')
  await runOk('curl', ['-q', '--config', '-'], { input, timeoutMs })
}

const timeoutMs = 600_000

function fresh(path: string): string {
  rmSync(path, { force: true })
  return path
}

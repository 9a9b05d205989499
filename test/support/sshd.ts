import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { startOnFreePort } from './free-port.ts'
import { type Ground, ground, type TestUser } from './ground.ts'
import { program } from './packages.ts'
import { run, runOk } from './run.ts'

export interface SshdOptions {
  /** Channels per connection (MaxSessions); 10 as OpenSSH's own default. */
  readonly maxSessions?: number
  /** `internal-sftp` (default), `sftp-server` (a process of its own), or a command line with `-d {home}`, which is `home`. */
  readonly subsystem?: string
  /** Further lines of sshd_config, which come first and so win. */
  readonly extraConfig?: readonly string[]
  /** Environment of the sessions, and so of the SFTP server. */
  readonly env?: Readonly<Record<string, string>>
  /** Where the user's files are; default: a new folder. */
  readonly home?: string
  /** A program that starts sshd, and its first arguments; sshd's command line follows them. */
  readonly launcher?: readonly string[]
  /** Taken from the test set-up by default. */
  readonly ground?: Ground
}

/**
 * A real OpenSSH server on 127.0.0.1 with folder, host keys and port of its own. The user logs in with the password
 * or with `privateKey` and starts in `home`, a folder of this server alone: tests on different servers do not meet.
 */
export interface Sshd {
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly user: TestUser
  /** `SHA256:…` as ssh-keygen prints them. */
  readonly fingerprints: Readonly<Record<HostKeyType, string>>
  /** Lines for a known_hosts file, one per host key. */
  readonly knownHosts: string
  /** Path of a key that logs the user in; OpenSSH format, no passphrase. */
  readonly privateKey: string
  /** Owned by the user. */
  readonly home: string
  /** Everything of this server is below. */
  readonly folder: string
  /** sshd's own log, level DEBUG1. */
  log(): string
  stop(): Promise<void>
}

type HostKeyType = 'ed25519' | 'ecdsa' | 'rsa'
const hostKeyTypes: readonly HostKeyType[] = ['ed25519', 'ecdsa', 'rsa']
const host = '127.0.0.1'

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const { runFolder, user } = options.ground ?? (await ground())
  const folder = mkdtempSync(join(runFolder, 'sshd-'))
  chmodSync(folder, 0o755)
  const home = options.home ?? join(folder, 'home')
  mkdirSync(home, { recursive: true })
  chownSync(home, user.uid, user.gid)
  await Promise.all([
    ...hostKeyTypes.map((type) => makeKey(folder, `host-${type}`, type)),
    makeKey(folder, 'login', 'ed25519'),
  ])
  copyFileSync(join(folder, 'login.pub'), join(folder, 'authorized_keys'))
  const perSourcePenalties = await hasPerSourcePenalties()
  const { daemon, port } = await startOnFreePort(/^SSH-2\.0-/, async (candidate) => {
    const path = join(folder, 'sshd_config')
    writeFileSync(path, configuration({ ...options, folder, home, port: candidate, perSourcePenalties }))
    const [command, ...args] = [...(options.launcher ?? []), program('sshd'), '-D', '-e', '-f', path]
    return startDaemon(command as string, args, { runFolder })
  })
  const publicKey = (type: HostKeyType) => readFileSync(join(folder, `host-${type}.pub`), 'utf8').trim()
  const [ed25519, ecdsa, rsa] = await Promise.all(
    hostKeyTypes.map((type) => fingerprint(join(folder, `host-${type}.pub`))),
  )
  return {
    host,
    port,
    pid: daemon.pid,
    user,
    fingerprints: { ed25519: ed25519 ?? '', ecdsa: ecdsa ?? '', rsa: rsa ?? '' },
    knownHosts: hostKeyTypes.map((type) => `[${host}]:${port} ${publicKey(type).split(' ', 2).join(' ')}\n`).join(''),
    privateKey: join(folder, 'login'),
    home,
    folder,
    log: daemon.log,
    stop: daemon.stop,
  }
}

/** Makes a key pair, as `ssh-keygen` does; for servers, logins, and pins that must not match. */
export async function makeKey(folder: string, name: string, type: HostKeyType): Promise<string> {
  const path = join(folder, name)
  const bits = type === 'rsa' ? ['-b', '2048'] : []
  await runOk(program('ssh-keygen'), ['-q', '-t', type, ...bits, '-N', '', '-C', 'test', '-f', path])
  return path
}

/** The `SHA256:…` fingerprint of a public key file. */
export async function fingerprint(publicKey: string): Promise<string> {
  const line = (await runOk(program('ssh-keygen'), ['-l', '-f', publicKey])).toString()
  return line.split(' ')[1] ?? ''
}

/** A fingerprint that no server has. */
export function unknownFingerprint(): string {
  return `SHA256:${randomBytes(32).toString('base64').replaceAll('=', '')}`
}

interface Configuration extends SshdOptions {
  readonly folder: string
  readonly home: string
  readonly port: number
  readonly perSourcePenalties: boolean
}

function configuration(c: Configuration): string {
  const { subsystem = 'internal-sftp' } = c
  const sftp: Readonly<Record<string, string>> = {
    'internal-sftp': `internal-sftp -d ${c.home}`,
    'sftp-server': `${program('/usr/lib/openssh/sftp-server')} -d ${c.home}`,
  }
  const command = sftp[subsystem] ?? subsystem.replaceAll('{home}', c.home)
  // It would work in the user's own home, and every look at this one would find nothing.
  if (!command.includes(`-d ${c.home}`)) throw new Error(`a subsystem that does not start in {home}: ${subsystem}`)
  return [
    ...(c.extraConfig ?? []),
    `Port ${c.port}`,
    `ListenAddress ${host}`,
    ...hostKeyTypes.map((type) => `HostKey ${join(c.folder, `host-${type}`)}`),
    'PidFile none',
    'UsePAM no',
    'UseDNS no',
    'PasswordAuthentication yes',
    'KbdInteractiveAuthentication no',
    `AuthorizedKeysFile ${join(c.folder, 'authorized_keys')}`,
    // The folder is below a temporary directory that everyone may write to.
    'StrictModes no',
    'LogLevel DEBUG1',
    // Of this one the last counts, unlike of the others.
    ...(c.extraConfig?.some((line) => line.startsWith('MaxStartups ')) ? [] : ['MaxStartups 200']),
    `MaxSessions ${c.maxSessions ?? 10}`,
    // Wrong passwords are part of the tests, and all of them come from one address.
    ...(c.perSourcePenalties ? ['PerSourcePenalties no'] : []),
    ...Object.entries(c.env ?? {}).map(([name, value]) => `SetEnv ${name}="${value}"`),
    `Subsystem sftp ${command}`,
    '',
  ].join('\n')
}

/** The keyword came with OpenSSH 9.8; older servers refuse to start with it. */
async function hasPerSourcePenalties(): Promise<boolean> {
  const { stderr } = await run(program('ssh'), ['-V'])
  const [, major = '0', minor = '0'] = /^OpenSSH_(\d+)\.(\d+)/.exec(stderr) ?? []
  return Number(major) * 100 + Number(minor) >= 908
}

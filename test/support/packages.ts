import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { run } from './run.ts'

/** A Debian package that the tests need, and a program, or the path of another file, whose presence proves it. */
interface DebianPackage {
  readonly name: string
  readonly program: string
}

/** Every package the tests need besides npm's and those of `unpacked.ts`; the benchmark names one more. */
const packages: readonly DebianPackage[] = [
  { name: 'openssh-server', program: 'sshd' },
  { name: 'openssh-sftp-server', program: '/usr/lib/openssh/sftp-server' },
  { name: 'openssh-client', program: 'ssh-keygen' },
  { name: 'curl', program: 'curl' },
  { name: 'lftp', program: 'lftp' },
  { name: 'python3', program: 'python3' },
  { name: 'vsftpd', program: 'vsftpd' },
  { name: 'openssl', program: 'openssl' },
  { name: 'iproute2', program: 'ss' },
  { name: 'nftables', program: 'nft' },
  { name: 'procps', program: 'sysctl' },
  { name: 'iptables', program: 'iptables' },
  { name: 'faketime', program: 'faketime' },
  { name: 'inotify-tools', program: 'inotifywait' },
  { name: 'strace', program: 'strace' },
  { name: 'mount', program: 'mount' },
  { name: 'passwd', program: 'useradd' },
  { name: 'util-linux', program: 'flock' },
  { name: 'git', program: 'git' },
  { name: 'dropbear-bin', program: 'dropbear' },
  { name: 'python3-asyncssh', program: '/usr/lib/python3/dist-packages/asyncssh/__init__.py' },
  { name: 'python3-paramiko', program: '/usr/lib/python3/dist-packages/paramiko/__init__.py' },
  { name: 'default-jdk-headless', program: 'javac' },
  { name: 'libcommons-net-java', program: '/usr/share/java/commons-net.jar' },
  { name: 'wget', program: 'wget' },
  { name: 'ruby', program: 'ruby' },
  { name: 'perl', program: 'perl' },
  { name: 'libio-socket-ssl-perl', program: '/usr/share/perl5/IO/Socket/SSL.pm' },
  { name: 'php-cli', program: 'php' },
  { name: 'erlang-base', program: 'escript' },
  { name: 'erlang-ftp', program: '/usr/share/doc/erlang-ftp' },
  { name: 'python3-aioftp', program: '/usr/lib/python3/dist-packages/aioftp/__init__.py' },
  { name: 'rclone', program: 'rclone' },
  { name: 'ftp-ssl', program: 'ftp-ssl' },
  { name: 'tnftp', program: 'tnftp' },
  { name: 'inetutils-ftp', program: 'inetutils-ftp' },
  { name: 'ncftp', program: 'ncftp3' },
  { name: 'tcl', program: 'tclsh' },
  { name: 'tcllib', program: '/usr/share/doc/tcllib' },
  { name: 'busybox', program: 'busybox' },
  { name: 'testssl.sh', program: 'testssl' },
  { name: 'sslscan', program: 'sslscan' },
  { name: 'nmap', program: 'nmap' },
  { name: 'systemd', program: 'systemd-analyze' },
  { name: 'debootstrap', program: 'debootstrap' },
  { name: 'buildah', program: 'buildah' },
  { name: 'python3-jsonschema', program: '/usr/lib/python3/dist-packages/jsonschema/__init__.py' },
  { name: 'prometheus', program: 'prometheus' },
]

const policyFile = '/usr/sbin/policy-rc.d'

/**
 * Makes sure that every package is there, by default those of the tests: installs what is missing as root on Debian,
 * and otherwise throws one error that names all of it.
 */
export async function providePackages(needed = packages): Promise<void> {
  const missing = missingPackages(needed)
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) throw new Error(complaint(missing, 'installing them needs root'))
  if (!isDebian()) throw new Error(complaint(missing, 'this is not Debian, so they are yours to install'))
  const failure = await installPackages(missing.map(({ name }) => name))
  const left = missingPackages(needed)
  if (left.length > 0) throw new Error(complaint(left, failure ?? 'apt-get installed them without these programs'))
}

/** Installs packages, as root. Returns why it failed. */
export function installPackages(names: readonly string[]): Promise<string | undefined> {
  return withoutDaemons(() => install(names))
}

/** The path of a program that a package provides; also found outside an ordinary user's PATH. Throws when it is missing. */
export function program(name: string): string {
  const path = find(name)
  if (path === undefined) throw new Error(`The tests need the program ${name}, which is not installed.`)
  return path
}

function find(name: string): string | undefined {
  // Modules of Python and of servers are files that nobody executes.
  if (isAbsolute(name)) return existsSync(name) ? name : undefined
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function missingPackages(needed: readonly DebianPackage[]): DebianPackage[] {
  return needed.filter(({ program: name }) => find(name) === undefined)
}

function complaint(missing: readonly DebianPackage[], reason: string): string {
  const list = missing.map(({ name, program: proof }) => `${name} (${proof})`).join(', ')
  return `The tests need these packages, which are missing: ${list}. They were not installed: ${reason}`
}

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*debian/m.test(readFileSync('/etc/os-release', 'utf8')) && find('apt-get') !== undefined
  } catch {
    return false
  }
}

/** Package lists may be absent or stale: they are fetched when the first attempt fails. Returns why it failed. */
async function install(names: readonly string[]): Promise<string | undefined> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const aptGet = (...args: string[]) =>
    run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', ...args], { env, timeoutMs: 900_000 })
  const attempt = () => aptGet('install', '--yes', '--no-install-recommends', ...names)
  if ((await attempt()).code === 0) return undefined
  const update = await aptGet('update')
  const second = await attempt()
  return second.code === 0 ? undefined : `apt-get failed: ${update.stderr}${second.stderr}`
}

/** Debian starts a daemon when its package is installed, unless this file says no (Debian policy, section 9.3.3). */
async function withoutDaemons<T>(work: () => Promise<T>): Promise<T> {
  let ours = false
  try {
    writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
    ours = true
  } catch {
    // The machine has a policy of its own, which stays.
  }
  try {
    return await work()
  } finally {
    if (ours) await rm(policyFile)
  }
}

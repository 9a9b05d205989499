import { resolve } from 'node:path'
import { runOk } from '../support/run.ts'
import type { BenchPlace } from './bench-place.ts'
import type { FtpServer } from './servers.ts'

const timeoutMs = 1_800_000

/** What the gateway prefers too; OpenSSH's own first choice is chacha20-poly1305. */
export const aes = ['-c', 'aes128-gcm@openssh.com']

/** How any SSH client enters the bench's sshd, also through a proxy: under one name, whatever the port is. */
export function sshSettings({ sshd, knownHosts, hostAlias }: BenchPlace): string[] {
  return [
    `UserKnownHostsFile=${knownHosts}`,
    `HostKeyAlias=${hostAlias}`,
    'StrictHostKeyChecking=yes',
    'IdentitiesOnly=yes',
    `IdentityFile=${sshd.privateKey}`,
  ]
}

/** One `sftp` process that carries out a batch; what it prints. */
export function sftp(
  place: BenchPlace,
  commands: readonly string[],
  { port = place.sshd.port, options = [] }: { readonly port?: number; readonly options?: readonly string[] } = {},
): Promise<Buffer> {
  const { sshd } = place
  const settings = sshSettings(place).flatMap((setting) => ['-o', setting])
  return runOk(
    'sftp',
    ['-q', '-b', '-', '-F', 'none', '-P', String(port), ...settings, ...options, `${sshd.user.name}@${sshd.host}`],
    { input: `${commands.join('\n')}\n`, timeoutMs },
  )
}

/** One `curl` process with one FTPS session; `transfers` are lines of its configuration. What it prints. */
export function curl(server: FtpServer, transfers: readonly string[]): Promise<Buffer> {
  const login = [`user = "${server.user}:${server.password}"`, `cacert = "${server.certificate}"`, 'ssl-reqd']
  // The password stays out of the arguments, which every user of the machine can read.
  const input = [...login, 'silent', 'show-error', 'fail-early', ...transfers].join('\n')
  return runOk('curl', ['-q', '--config', '-'], { input, timeoutMs })
}

interface ManyFiles {
  readonly direction: 'up' | 'down'
  readonly names: readonly string[]
  readonly local: string
  readonly remote: string
}

/** One Python process that moves files one after the other in one FTPS session; see many-files.py. */
export async function manyFiles({ port, user, password, certificate }: FtpServer, job: ManyFiles): Promise<void> {
  const input = JSON.stringify({ port, user, password, certificate, ...job })
  await runOk('python3', [resolve('test/bench/many-files.py')], { input, timeoutMs })
}

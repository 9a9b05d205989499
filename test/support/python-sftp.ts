import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { startOnFreePort } from './free-port.ts'
import { program } from './packages.ts'
import { knownHostsLine, loopback, type SftpServer, serverGround } from './sftp-server.ts'
import { makeKey } from './sshd.ts'

/** Debian's Python: another one in PATH does not have Debian's modules. */
const python = '/usr/bin/python3'

/** A server of this folder that is written in Python: AsyncSSH's, or a small one on Paramiko. */
export async function startPythonSftp(kind: 'asyncssh' | 'paramiko'): Promise<SftpServer> {
  const { runFolder, folder, home, user } = await serverGround(kind)
  const hostKey = await makeKey(folder, 'host', 'ed25519')
  const script = join(import.meta.dirname, `${kind}-server.py`)
  const { daemon, port } = await startOnFreePort(/^SSH-2\.0-/, (candidate) => {
    // Not in the arguments, which everybody may read.
    const settings = JSON.stringify({ host: loopback, port: candidate, hostKey, home, user })
    return startDaemon(program(python), ['-u', script], { runFolder, env: { SFTP_SERVER: settings }, cwd: home })
  })
  const publicKey = readFileSync(`${hostKey}.pub`, 'utf8')
  return {
    host: loopback,
    port,
    user,
    home,
    knownHosts: knownHostsLine(port, publicKey),
    log: daemon.log,
    stop: daemon.stop,
  }
}

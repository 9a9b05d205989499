import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { startOnFreePort } from './free-port.ts'
import { program } from './packages.ts'
import { runOk } from './run.ts'
import { knownHostsLine, loopback, type SftpServer, serverGround } from './sftp-server.ts'

/** Dropbear's SSH with OpenSSH's sftp-server behind it, which is how Debian builds it. */
export async function startDropbear(): Promise<SftpServer> {
  const { runFolder, folder, home, user } = await serverGround('dropbear')
  const key = join(folder, 'host')
  const said = (await runOk(program('dropbearkey'), ['-t', 'ed25519', '-f', key])).toString()
  const publicKey = said.split('\n').find((line) => line.startsWith('ssh-ed25519 ')) ?? ''
  const { daemon, port } = await startOnFreePort(/^SSH-2\.0-/, (candidate) =>
    // In the foreground, its log on standard error, no other host keys, no forwarding.
    startDaemon(
      program('dropbear'),
      ['-F', '-E', '-r', key, '-p', `${loopback}:${candidate}`, '-P', join(folder, 'pid'), '-j', '-k'],
      { runFolder },
    ),
  )
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

import { mkdtempSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { selfMadeCertificate } from '../../src/tls/self-made.ts'
import { startDaemon } from '../support/daemon.ts'
import { freePort } from '../support/free-port.ts'
import { startVsftpd } from '../support/vsftpd.ts'
import type { BenchPlace } from './bench-place.ts'
import type { FtpServer } from './servers.ts'
import { mountSshfs } from './sshfs.ts'

/** vsftpd on the folder that is sshd's home: no SFTP at all. */
export function startLocalVsftpd({ ground, sshd }: BenchPlace): Promise<FtpServer> {
  return vsftpdOn({ ground, home: sshd.home })
}

/** An old server that wants the TLS session of the control connection on its data connections, as it does by default. */
export function startOldVsftpd({ ground, sshd }: BenchPlace): Promise<FtpServer> {
  return vsftpdOn({ ground, home: sshd.home, requireReuse: true })
}

/** What people do without a gateway: vsftpd on a mount of sshd's home. */
export async function startSshfsVsftpd(place: BenchPlace): Promise<FtpServer> {
  const mount = await mountSshfs(place)
  const server = await vsftpdOn({ ground: place.ground, home: mount.folder })
  return {
    ...server,
    async stop() {
      await server.stop()
      await mount.stop()
    },
  }
}

/** What Node's packages do without this project; see ftp-srv-server.mjs. */
export async function startFtpSrv({ ground, sshd }: BenchPlace): Promise<FtpServer> {
  const folder = mkdtempSync(join(ground.runFolder, 'ftp-srv-'))
  await selfMadeCertificate(folder)
  const [certificate, key] = [join(folder, 'tls', 'cert.pem'), join(folder, 'tls', 'key.pem')]
  const backend = { host: sshd.host, port: sshd.port }
  const port = await freePort()
  const file = join(folder, 'settings.json')
  writeFileSync(file, JSON.stringify({ port, certificate, key, backend }))
  const daemon = await startDaemon(process.execPath, [resolve('test/bench/ftp-srv-server.mjs'), file], ground)
  while (!daemon.log().includes('listening')) {
    if (!daemon.running()) throw new Error(`ftp-srv did not start: ${daemon.log()}`)
    await new Promise((wait) => setTimeout(wait, 20))
  }
  const { name: user, password } = sshd.user
  return { url: `ftps://127.0.0.1:${port}`, port, pid: daemon.pid, user, password, certificate, stop: daemon.stop }
}

async function vsftpdOn(options: NonNullable<Parameters<typeof startVsftpd>[0]>): Promise<FtpServer> {
  const { port, pid, user, certificate, stop } = await startVsftpd(options)
  return { url: `ftp://127.0.0.1:${port}`, port, pid, user: user.name, password: user.password, certificate, stop }
}

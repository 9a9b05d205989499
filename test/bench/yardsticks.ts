import { startVsftpd } from '../support/vsftpd.ts'
import type { BenchPlace } from './bench-place.ts'
import type { FtpServer } from './servers.ts'
import { mountSshfs } from './sshfs.ts'

/** vsftpd on the folder that is sshd's home: no SFTP at all. */
export function startLocalVsftpd({ ground, sshd }: BenchPlace): Promise<FtpServer> {
  return vsftpdOn({ ground, home: sshd.home })
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

async function vsftpdOn(options: Required<Parameters<typeof startVsftpd>>[0]): Promise<FtpServer> {
  const { port, pid, user, certificate, stop } = await startVsftpd(options)
  return { url: `ftp://127.0.0.1:${port}`, port, pid, user: user.name, password: user.password, certificate, stop }
}

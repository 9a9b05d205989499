import type { SftpClient } from './sftp-client.ts'

const everyMs = 30_000

type PingedClient = Pick<SftpClient, 'realpath'> & {
  readonly session: Pick<SftpClient['session'], 'idle' | 'whenDead'>
}

/**
 * Keeps an idle session open where SSH's own keep-alive is no good: a REALPATH, which every server answers. One that is not
 * answered ends the session at its deadline, like any other request.
 */
export function keepAlive(client: PingedClient): void {
  const timer = setInterval(() => {
    if (client.session.idle) client.realpath('.').catch(() => {})
  }, everyMs)
  client.session.whenDead(() => clearInterval(timer))
}

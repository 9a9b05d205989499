import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { startOnFreePort } from './free-port.ts'
import { loopback, type SftpServer, serverGround } from './sftp-server.ts'

/** The server of `ftps-gateway demo` without the gateway in front, in a process of its own. */
export async function startEmbeddedSftp(): Promise<SftpServer> {
  const { runFolder, home, user } = await serverGround('embedded')
  const script = join(import.meta.dirname, 'embedded-server.mjs')
  const { daemon, port } = await startOnFreePort(/^SSH-2\.0-/, (candidate) => {
    const env = { ...process.env, SFTP_SERVER: JSON.stringify({ directory: home, port: candidate, user }) }
    return startDaemon(process.execPath, [script], { runFolder, env, cwd: home })
  })
  return { host: loopback, port, user, home, knownHosts: knownHosts(daemon.log()), log: daemon.log, stop: daemon.stop }
}

function knownHosts(said: string): string {
  const line = said.split('\n').find((text) => text.startsWith('{"knownHosts"'))
  if (line === undefined) throw new Error(`The embedded server did not tell its key:\n${said}`)
  return `${(JSON.parse(line) as { knownHosts: string }).knownHosts}\n`
}

import type { DemoServer } from '../demo/demo-server.ts'
import type { Gateway } from '../gateway.ts'
import { version } from './version.ts'

export interface DemoFacts {
  readonly gateway: Gateway
  readonly server: DemoServer
  /** Folder that the SFTP server shows, and whether it is the demo's own, gone at the end. */
  readonly files: string
  readonly temporary: boolean
  readonly passive: string
  readonly certificate: string
  readonly configFile: string
  readonly knownHosts: string
  /** A small file to upload. */
  readonly sample: string
}

/** What the demo shows once it runs: facts, then lines to paste into a shell. */
export function banner(facts: DemoFacts): string {
  const { gateway, server, files, temporary, passive, certificate, configFile } = facts
  const [explicit, implicit] = ['explicit', 'implicit'].map((tls) => hostPort(gateway, tls))
  const admin = gateway.admin && `http://${gateway.admin.address}:${gateway.admin.port}/metrics`
  const account = `${server.username}:${server.password}`
  const ftp = `ftp://${explicit}`
  const settings = 'set ftp:ssl-force true; set ssl:verify-certificate no; ls'
  const ssh = `-P ${server.port} -o ${quote(`UserKnownHostsFile=${sshWord(facts.knownHosts)}`)}`
  return `ftps-gateway ${version} demo: an SFTP server with the gateway in front of it. Ctrl-C ends both.

  FTPS explicit  ${explicit}
  FTPS implicit  ${implicit}
  passive ports  ${passive}
  SFTP backend   ${server.host}:${server.port}
  user           ${server.username}
  password       ${server.password}  (made for this run)
  host key       ${server.hostKey}
  certificate    ${certificate}  (self-made)
  metrics        ${admin ?? 'off'}
  files          ${files}${temporary ? '  (gone on Ctrl-C)' : ''}
  configuration  ${configFile}

Paste into another terminal:

  curl, explicit TLS: list, upload
    curl -k --ssl-reqd -u ${account} ${ftp}/
    curl -k --ssl-reqd -u ${account} -T ${quote(facts.sample)} ${ftp}/
  curl, implicit TLS
    curl -k -u ${account} ftps://${implicit}/
  lftp
    lftp -u ${server.username},${server.password} -e '${settings}' ${ftp}
  sftp, straight to the backend; it asks for the password
    sftp ${ssh} ${server.username}@${server.host}

`
}

function hostPort({ listeners }: Gateway, tls: string): string {
  const listener = listeners.find((one) => one.tls === tls)
  return `${listener?.address}:${listener?.port}`
}

const plain = /^[\w@%+=:,./-]+$/

/** A value for an ssh option, which would take a path with a blank for two. */
function sshWord(path: string): string {
  return plain.test(path) ? path : `"${path}"`
}

/** A word for a POSIX shell. */
function quote(text: string): string {
  return plain.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { startOnFreePort } from './free-port.ts'
import { type Ground, ground, type TestUser } from './ground.ts'
import { program } from './packages.ts'
import { runOk } from './run.ts'

/**
 * A real FTPS server on 127.0.0.1 (explicit TLS) with files of its own: what clients do is tried on it first, so that
 * a failure at the gateway is the gateway's; and the benchmark compares with it.
 */
export interface Vsftpd {
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly user: TestUser
  /** Path of the certificate that it shows. */
  readonly certificate: string
  /** Owned by the user, who starts there. */
  readonly home: string
  log(): string
  stop(): Promise<void>
}

export interface VsftpdOptions {
  /** Where the user's files are; default: a new folder. */
  readonly home?: string
  /** Taken from the test set-up by default. */
  readonly ground?: Ground
  /** Data connections have to resume the TLS session of the control connection. */
  readonly requireReuse?: boolean
  /** Default: explicit. */
  readonly tls?: 'explicit' | 'implicit' | 'off'
}

export async function startVsftpd(options: VsftpdOptions = {}): Promise<Vsftpd> {
  const { runFolder, user } = options.ground ?? (await ground())
  const folder = mkdtempSync(join(runFolder, 'vsftpd-'))
  chmodSync(folder, 0o755)
  const home = options.home ?? join(folder, 'home')
  mkdirSync(home, { recursive: true })
  chownSync(home, user.uid, user.gid)
  mkdirSync(join(folder, 'empty'))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  await runOk(program('openssl'), ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert])
  const { tls = 'explicit' } = options
  const { daemon, port } = await startOnFreePort(tls === 'implicit' ? undefined : /^220/, async (candidate) => {
    const path = join(folder, 'vsftpd.conf')
    writeFileSync(
      path,
      configuration({
        port: candidate,
        home,
        empty: join(folder, 'empty'),
        cert,
        key,
        reuse: options.requireReuse === true,
        tls,
      }),
    )
    return startDaemon(program('vsftpd'), [path], { runFolder })
  })
  return { host: '127.0.0.1', port, pid: daemon.pid, user, certificate: cert, home, log: daemon.log, stop: daemon.stop }
}

interface Configuration {
  readonly port: number
  readonly home: string
  readonly empty: string
  readonly cert: string
  readonly key: string
  readonly reuse: boolean
  readonly tls: 'explicit' | 'implicit' | 'off'
}

function configuration({ port, home, empty, cert, key, reuse, tls }: Configuration): string {
  const settings = {
    background: 'NO',
    listen: 'YES',
    listen_address: '127.0.0.1',
    listen_port: port,
    anonymous_enable: 'NO',
    local_enable: 'YES',
    local_root: home,
    write_enable: 'YES',
    local_umask: '022',
    seccomp_sandbox: 'NO',
    secure_chroot_dir: empty,
    pam_service_name: 'vsftpd',
    xferlog_enable: 'NO',
    max_per_ip: 0,
    mdtm_write: 'YES',
    ssl_enable: tls === 'off' ? 'NO' : 'YES',
    implicit_ssl: tls === 'implicit' ? 'YES' : 'NO',
    rsa_cert_file: cert,
    rsa_private_key_file: key,
    force_local_data_ssl: 'YES',
    force_local_logins_ssl: 'YES',
    // Python's ftplib makes a new TLS session for every data connection.
    require_ssl_reuse: reuse ? 'YES' : 'NO',
    ssl_ciphers: 'HIGH',
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

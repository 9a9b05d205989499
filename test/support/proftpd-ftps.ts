import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { startOnFreePort } from './free-port.ts'
import type { OldServerUnderTest } from './old-server.ts'
import { program } from './packages.ts'
import { runOk } from './run.ts'
import { loopback, serverGround } from './sftp-server.ts'
import { unpackedFile } from './unpacked.ts'

/** ProFTPD with mod_tls, which wants data connections to continue the TLS session of the control connection. */
export async function startProftpdFtps(
  protocols = 'TLSv1.2 TLSv1.3',
  tls: 'explicit' | 'implicit' | 'off' = 'explicit',
): Promise<OldServerUnderTest> {
  const { runFolder, folder, home, user } = await serverGround('proftpd-ftps')
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  await runOk(program('openssl'), ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate])
  const tlsLog = join(folder, 'tls.log')
  const { daemon, port } = await startOnFreePort(tls === 'implicit' ? undefined : /^220/, (candidate) => {
    const path = join(folder, 'proftpd.conf')
    const places = { port: candidate, folder, home, certificate, key, tlsLog, protocols, tls }
    writeFileSync(path, configuration(places))
    return startDaemon(unpackedFile('/usr/sbin/proftpd'), ['--nodaemon', '--quiet', '-c', path], { runFolder })
  })
  return {
    host: loopback,
    port,
    user,
    certificate,
    home,
    log: () => `${daemon.log()}\n${readFileSync(tlsLog, 'utf8')}`,
    stop: daemon.stop,
  }
}

interface Configuration {
  readonly port: number
  readonly folder: string
  readonly home: string
  readonly certificate: string
  readonly key: string
  readonly tlsLog: string
  readonly protocols: string
  readonly tls: 'explicit' | 'implicit' | 'off'
}

function configuration({ port, folder, home, certificate, key, tlsLog, protocols, tls }: Configuration): string {
  const settings = {
    ModulePath: dirname(unpackedFile('/usr/lib/proftpd/mod_tls.so')),
    LoadModule: 'mod_tls.c',
    ServerName: 'test',
    ServerType: 'standalone',
    DefaultAddress: loopback,
    SocketBindTight: 'on',
    Port: port,
    UseIPv6: 'off',
    UseReverseDNS: 'off',
    User: 'nobody',
    Group: 'nogroup',
    AuthPAM: 'off',
    AuthOrder: 'mod_auth_unix.c',
    RequireValidShell: 'off',
    DefaultChdir: home,
    Umask: '022',
    AllowOverwrite: 'on',
    AllowStoreRestart: 'on',
    AllowRetrieveRestart: 'on',
    DelayEngine: 'off',
    PidFile: join(folder, 'pid'),
    ScoreboardFile: join(folder, 'scoreboard'),
    WtmpLog: 'off',
    TransferLog: 'none',
    SystemLog: 'none',
    TLSEngine: tls === 'off' ? 'off' : 'on',
    ...(tls === 'implicit' && { TLSOptions: 'UseImplicitSSL' }),
    TLSLog: tlsLog,
    TLSProtocol: protocols,
    TLSRequired: tls === 'off' ? 'off' : 'on',
    TLSECCertificateFile: certificate,
    TLSECCertificateKeyFile: key,
    TLSVerifyClient: 'off',
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('')
}

import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startDaemon } from './daemon.ts'
import { startOnFreePort } from './free-port.ts'
import { knownHostsLine, loopback, type SftpServer, serverGround } from './sftp-server.ts'
import { makeKey } from './sshd.ts'
import { unpackedFile } from './unpacked.ts'

/** ProFTPD with mod_sftp and no other protocol. */
export async function startProftpd(): Promise<SftpServer> {
  const { runFolder, folder, home, user } = await serverGround('proftpd')
  const key = await makeKey(folder, 'host', 'ed25519')
  const sftpLog = join(folder, 'sftp.log')
  const { daemon, port } = await startOnFreePort(/^SSH-2\.0-/, (candidate) => {
    const path = join(folder, 'proftpd.conf')
    writeFileSync(path, configuration({ port: candidate, folder, home, key, sftpLog }))
    return startDaemon(unpackedFile('/usr/sbin/proftpd'), ['--nodaemon', '--quiet', '-c', path], { runFolder })
  })
  return {
    host: loopback,
    port,
    user,
    home,
    knownHosts: knownHostsLine(port, readFileSync(`${key}.pub`, 'utf8')),
    log: () => `${daemon.log()}\n${readFileSync(sftpLog, 'utf8')}`,
    stop: daemon.stop,
  }
}

interface Configuration {
  readonly port: number
  readonly folder: string
  readonly home: string
  readonly key: string
  readonly sftpLog: string
}

function configuration({ port, folder, home, key, sftpLog }: Configuration): string {
  const settings = {
    ModulePath: dirname(unpackedFile('/usr/lib/proftpd/mod_sftp.so')),
    LoadModule: 'mod_sftp.c',
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
    DelayEngine: 'off',
    PidFile: join(folder, 'pid'),
    ScoreboardFile: join(folder, 'scoreboard'),
    WtmpLog: 'off',
    TransferLog: 'none',
    SystemLog: 'none',
    SFTPEngine: 'on',
    SFTPLog: sftpLog,
    SFTPHostKey: key,
    SFTPAuthMethods: 'password',
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('')
}

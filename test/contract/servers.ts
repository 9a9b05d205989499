import { startDropbear } from '../support/dropbear.ts'
import { startEmbeddedSftp } from '../support/embedded-sftp.ts'
import { startProftpd } from '../support/proftpd.ts'
import { startPythonSftp } from '../support/python-sftp.ts'
import type { SftpServer } from '../support/sftp-server.ts'
import { startSshd } from '../support/sshd.ts'
import { startChrootedSshd } from '../support/sshd-chroot.ts'
import type { Differences } from './candidate.ts'

/** An SFTP server that the gateway is tested with. */
export interface ServerKind {
  /** Head of its column. */
  readonly name: string
  /** How it is run, for the document. */
  readonly setUp: string
  /** Debian's packages of it; empty for our own. */
  readonly packages: readonly string[]
  readonly start: () => Promise<SftpServer>
  /** Its home as the login sees it, where that is not the path on disk. */
  readonly home?: string
  readonly readOnly?: true
  /** Where it does not do what the contract says, and what it does. */
  readonly differences?: Differences
}

export const servers: readonly ServerKind[] = [
  {
    name: 'OpenSSH',
    setUp: '`Subsystem sftp internal-sftp`',
    packages: ['openssh-server'],
    start: () => startSshd(),
  },
  {
    name: 'OpenSSH, chroot',
    setUp: '`ForceCommand internal-sftp -d /home` and `ChrootDirectory`',
    packages: ['openssh-server'],
    start: startChrootedSshd,
    home: '/home',
  },
  {
    name: 'OpenSSH, version 3 only',
    setUp: '`internal-sftp -P posix-rename,fsync,limits,statvfs,fstatvfs`: like servers that know no extension',
    packages: ['openssh-server'],
    start: () => startSshd({ subsystem: 'internal-sftp -d {home} -P posix-rename,fsync,limits,statvfs,fstatvfs' }),
    differences: {
      space: { is: 'unsupported', words: 'free space is not told (no `statvfs`)' },
    },
  },
  {
    name: 'OpenSSH, read-only',
    setUp: '`internal-sftp -R`',
    packages: ['openssh-server'],
    start: () => startSshd({ subsystem: 'internal-sftp -d {home} -R' }),
    readOnly: true,
  },
  {
    name: 'ProFTPD',
    setUp: '`mod_sftp`, system users',
    packages: ['proftpd-core', 'proftpd-mod-crypto'],
    start: startProftpd,
    differences: {
      openDirectory: { is: 'accessDenied', words: 'opening a directory as a file is “permission denied”' },
      enterForbidden: {
        is: 'entered',
        words: 'a directory that may not be entered is entered; what is in it stays closed',
      },
      lookAtLink: { is: 'file', words: 'a look at a symbolic link sees what it names (a listing sees the link)' },
      readLink: { is: 'absolute', words: 'a link is said to point to an absolute path, whatever is stored in it' },
      openDangling: { is: 'accessDenied', words: 'opening a link to nothing is “permission denied”' },
    },
  },
  {
    name: 'Dropbear',
    setUp: 'with OpenSSH’s `sftp-server`',
    packages: ['dropbear-bin', 'openssh-sftp-server'],
    start: startDropbear,
  },
  {
    name: 'AsyncSSH',
    setUp: 'its own `SFTPServer`, unchanged',
    packages: ['python3-asyncssh'],
    start: () => startPythonSftp('asyncssh'),
    differences: {
      foreignMode: { is: 'failed', words: '“not the owner” is answered with a failure that says no more' },
    },
  },
  {
    name: 'Paramiko',
    setUp: 'its `SFTPServer` on a small stub for the files',
    packages: ['python3-paramiko'],
    start: () => startPythonSftp('paramiko'),
    differences: {
      hardLinks: { is: 'unsupported', words: 'there are no hard links' },
      foreignMode: { is: 'failed', words: '“not the owner” is answered with a failure that says no more' },
      byteNames: { is: 'failed', words: 'names that are not UTF-8 are refused with a failure' },
      space: { is: 'unsupported', words: 'free space is not told (no `statvfs`)' },
    },
  },
  {
    name: '`ftps-gateway demo`',
    setUp: 'the server built in for trying out',
    packages: [],
    start: startEmbeddedSftp,
    home: '',
    differences: {
      hardLinks: { is: 'unsupported', words: 'there are no hard links' },
      enterForbidden: {
        is: 'entered',
        words: 'a directory that may not be entered is entered; what is in it stays closed',
      },
      space: { is: 'unsupported', words: 'free space is not told (no `statvfs`)' },
    },
  },
]

import { chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'
import { ByteBudget } from '../../src/backend/sftp/byte-budget.ts'
import { createHostKeyPolicy } from '../../src/backend/sftp/host-keys.ts'
import { SftpBackend } from '../../src/backend/sftp/sftp-backend.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { type Candidate, fileSystemContract } from './file-system.ts'

async function candidate(sshd: Sshd): Promise<Candidate> {
  const directory = join(sshd.home, 'contract')
  mkdirSync(directory)
  chownSync(directory, sshd.user.uid, sshd.user.gid)
  const { host, port } = sshd
  const backend = new SftpBackend({
    name: 'sshd',
    host,
    port,
    hostKeys: createHostKeyPolicy({ host, port, fingerprints: [], knownHostsText: sshd.knownHosts }),
    connectMs: 5_000,
    loginMs: 20_000,
    requestMs: 20_000,
    closeMs: 20_000,
    fsync: 'auto',
    bytesInFlightPerTransfer: 4 * 1024 * 1024,
    budget: new ByteBudget(64 * 1024 * 1024),
    pool: { connections: 4, idleMs: 60_000, waiting: 10, waitMs: 5_000 },
    stripe: 1,
    health: { everyMs: 60_000, timeoutMs: 5_000 },
    observer: () => {},
  })
  const password = (value: string) =>
    ({ kind: 'password', username: sshd.user.name, password: new Secret(value) }) as const
  return {
    backend,
    credentials: password(sshd.user.password),
    badCredentials: password('wrong'),
    directory,
    async close() {
      await backend.close()
      await sshd.stop()
    },
  }
}

describe('OpenSSH', () => {
  fileSystemContract('internal-sftp', async () => candidate(await startSshd()))
})

// Without extensions a server is like Erlang's or Azure's: plain RENAME only, no fsync, no limits, 32 KiB requests.
describe('a server without posix-rename and fsync', () => {
  const subsystem = 'internal-sftp -P posix-rename,fsync,limits,statvfs,fstatvfs'
  fileSystemContract('plain SFTP v3', async () => candidate(await startSshd({ subsystem })))
})

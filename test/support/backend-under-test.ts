import { readFileSync } from 'node:fs'
import type { Credentials } from '../../src/backend/backend.ts'
import { ByteBudget } from '../../src/backend/sftp/byte-budget.ts'
import { createHostKeyPolicy } from '../../src/backend/sftp/host-keys.ts'
import { parsePrivateKey } from '../../src/backend/sftp/private-key.ts'
import { SftpBackend, type SftpBackendOptions } from '../../src/backend/sftp/sftp-backend.ts'
import { Secret } from '../../src/ftp/secret.ts'
import type { Sshd } from './sshd.ts'

/** The gateway's backend in front of an OpenSSH server, with time-outs that suit a test; the test closes it. */
export function backendFor(sshd: Sshd, options: Partial<SftpBackendOptions> = {}): SftpBackend {
  const { host, port } = sshd
  const hostKeys = createHostKeyPolicy({ host, port, fingerprints: [], knownHostsText: sshd.knownHosts })
  return backendTo({ host, port, hostKeys }, options)
}

/** The same in front of any server. */
export function backendTo(
  server: Pick<SftpBackendOptions, 'host' | 'port' | 'hostKeys'>,
  options: Partial<SftpBackendOptions> = {},
): SftpBackend {
  return new SftpBackend({
    ...server,
    name: 'sshd',
    connectMs: 5_000,
    loginMs: 20_000,
    requestMs: 20_000,
    closeMs: 20_000,
    reconnectMs: 0,
    fsync: 'auto',
    verify: 'size',
    uploadMode: 'atomic',
    keepPartialMs: 86_400_000,
    gateway: { instance: '0000', run: '0000' },
    abandonedAfterMs: 600_000,
    bytesInFlightPerTransfer: 4 * 1024 * 1024,
    budget: new ByteBudget(64 * 1024 * 1024),
    pool: { connections: 4, idleMs: 60_000, waiting: 10, waitMs: 5_000 },
    stripe: 1,
    health: { everyMs: 60_000, timeoutMs: 5_000 },
    observer: () => {},
    ...options,
  })
}

/** The client's own password: a connection for each login. */
export function passwordOf({ user }: Sshd, value = user.password): Credentials {
  return { kind: 'password', username: user.name, password: new Secret(value) }
}

/** A key that the gateway holds: logins that are given the same object share connections. */
export function keyOf({ user, privateKey }: Sshd): Credentials {
  const parsed = parsePrivateKey(readFileSync(privateKey, 'utf8'), undefined)
  return { kind: 'privateKey', username: user.name, privateKey: parsed }
}

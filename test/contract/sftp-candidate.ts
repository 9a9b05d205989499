import { chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createHostKeyPolicy } from '../../src/backend/sftp/host-keys.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { backendTo } from '../support/backend-under-test.ts'
import { ground } from '../support/ground.ts'
import type { Greeting } from './backends-document.ts'
import type { Candidate } from './candidate.ts'
import { diskOf } from './disk.ts'
import type { ServerKind } from './servers.ts'

/** A running server of this kind, and our SFTP backend in front of it. */
export async function sftpCandidate(
  { name, start, home }: ServerKind,
  onGreeting: (greeting: Greeting) => void,
): Promise<Candidate> {
  const { user: owner } = await ground()
  const server = await start()
  const folder = join(server.home, 'contract')
  mkdirSync(folder)
  chownSync(folder, owner.uid, owner.gid)
  const { host, port, user } = server
  const hostKeys = createHostKeyPolicy({ host, port, fingerprints: [], knownHostsText: server.knownHosts })
  const backend = backendTo(
    { host, port, hostKeys },
    {
      name,
      observer(event) {
        if (event.kind === 'backendReady') onGreeting(event)
      },
    },
  )
  const password = (value: string) => ({ kind: 'password', username: user.name, password: new Secret(value) }) as const
  return {
    backend,
    credentials: password(user.password),
    badCredentials: password('wrong'),
    directory: `${home ?? server.home}/contract`,
    disk: diskOf(folder, owner),
    log: server.log,
    cut: server.stop,
    async close() {
      await backend.close()
      await server.stop()
    },
  }
}

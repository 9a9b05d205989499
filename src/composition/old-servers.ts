import { readFile } from 'node:fs/promises'
import type { Config, OldServerConfig } from '../config/config.ts'
import type { OldServerSettings } from '../legacy/control-line.ts'
import { ftpOldServer } from '../legacy/ftp-old-server.ts'
import type { OldServer } from '../legacy/old-server.ts'
import type { Observer } from '../observe/observer.ts'
import { startError } from './start-error.ts'

/** What its entry in the configuration means. Throws StartError for a file of authorities that cannot be read. */
export async function oldServerSettings(
  { name, host, port, tls, timeouts }: OldServerConfig,
  stallMs: number,
): Promise<OldServerSettings> {
  const ca = tls.ca === undefined ? undefined : await readFile(tls.ca, 'utf8').catch(startError)
  const { connectMs, loginMs, requestMs: replyMs, closeMs: finishMs } = timeouts
  return { name, host, port, tls: { ...tls, ca }, timeouts: { connectMs, loginMs, replyMs, finishMs, stallMs } }
}

/** The servers to which logins are relayed, by name. Throws StartError for a file of authorities that cannot be read. */
export async function makeOldServers(
  { oldServers, timeouts }: Config,
  observer: Observer,
): Promise<ReadonlyMap<string, OldServer>> {
  const made = new Map<string, OldServer>()
  for (const server of oldServers) {
    const { name, tls } = server
    made.set(name, ftpOldServer(await oldServerSettings(server, timeouts.dataStallMs), observer))
    if (tls.mode !== 'off' && tls.verify) continue
    const danger = tls.mode === 'off' ? 'is spoken to without TLS' : 'is not looked at (tls.verify: off)'
    const message = `old server ${name} ${danger}: whoever is between it and the gateway can take passwords and files`
    observer({ kind: 'warning', topic: 'old_server', message })
  }
  return made
}

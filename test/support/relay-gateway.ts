import { ftpOldServer } from '../../src/legacy/ftp-old-server.ts'
import type { OldTls } from '../../src/legacy/verify.ts'
import type { Event } from '../../src/observe/observer.ts'
import { logInAt } from '../../src/partners/relayed.ts'
import type { Dialogue } from './dialogue.ts'
import { type MemoryGateway, type MemoryGatewayOptions, startMemoryGateway } from './memory-gateway.ts'
import { type ScriptedOptions, type ScriptedServer, startScriptedServer } from './scripted-server.ts'

export interface RelayGateway {
  readonly old: ScriptedServer
  readonly gateway: MemoryGateway
  /** Also what the old server's side tells. */
  readonly events: Event[]
  /** A control connection that is secured and has logged in, with PROT P. */
  logIn(): Promise<Dialogue>
  stop(): Promise<void>
}

export interface RelayGatewayOptions {
  readonly old?: ScriptedOptions
  readonly tls?: Partial<OldTls>
  readonly timeouts?: Partial<Parameters<typeof ftpOldServer>[0]['timeouts']>
  readonly gateway?: MemoryGatewayOptions
  /** In place of the scripted server's. */
  readonly port?: number
}

/** A gateway with TLS that relays everybody to a scripted old server. */
export async function startRelayGateway(options: RelayGatewayOptions = {}): Promise<RelayGateway> {
  const old = await startScriptedServer(options.old)
  const mode = options.old?.tls ?? 'explicit'
  const minVersion = 'TLSv1.2'
  const tls: OldTls = { mode, ca: undefined, fingerprints: [], verify: false, minVersion, ...options.tls }
  const usual = { connectMs: 10_000, loginMs: 10_000, replyMs: 10_000, finishMs: 10_000, stallMs: 10_000 }
  const timeouts = { ...usual, ...options.timeouts }
  const events: Event[] = []
  const observer = (event: Event) => void events.push(event)
  const port = options.port ?? old.port
  const server = ftpOldServer({ name: 'old', host: '127.0.0.1', port, tls, timeouts }, observer)
  const route = { partner: 'default', backend: 'old' }
  const gateway = await startMemoryGateway({
    tls: 'explicit',
    ...options.gateway,
    logins: {
      logIn: async ({ username, password }) => ({ ...route, ...(await logInAt(server, username, password, {})) }),
      prepare: () => undefined,
      routeOf: () => route,
      certificateSuffices: () => false,
    },
  })
  return {
    old,
    gateway,
    get events() {
      return [...events, ...gateway.events]
    },
    async logIn() {
      const client = await gateway.connect()
      await client.dialogue('< 220')
      await client.secure()
      await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 230', '> PBSZ 0', '< 200', '> PROT P', '< 200')
      return client
    },
    async stop() {
      await gateway.stop()
      await old.stop()
    },
  }
}

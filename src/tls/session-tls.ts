import { constants, randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { Certificate } from './certificates.ts'
import type { ClientAuthorities } from './client-certificates.ts'
import { type ServerNames, serverNames } from './server-names.ts'
import { setTicketPolicy } from './ticket-policy.ts'
import { suppressesTickets } from './ticket-self-test.ts'

export interface TlsSettings {
  /** For each name one per kind of key (RSA, ECDSA); those of the first are for clients that ask for no name. */
  readonly certificates: readonly Certificate[]
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

/** Below TLS 1.2 only for a listener that says so itself. */
export type MinTls = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** Whether data connections continue the TLS session of their control connection: as they like, always, never. */
export type SessionReuse = 'prefer' | 'require' | 'off'

/** The TLS of a listener: what its sessions have in common. */
export interface Tls {
  /** Whether session tickets can be kept off upload connections here; without it TLS 1.3 is not offered. */
  readonly ticketSuppression: boolean
  /** Keys of a new control session; cheap, the contexts are made when they are first used. */
  newSession(wanted: SessionWishes): SessionTls
  readonly names: ServerNames
}

export interface SessionWishes {
  /**
   * With `require` TLS 1.2 is the highest version: clients that use a TLS 1.3 ticket once would fail their second
   * transfer.
   */
  readonly reuse: SessionReuse
  readonly minTls?: MinTls | undefined
  /** Clients are asked for certificates. */
  readonly clients?: ClientAuthorities | undefined
  /** Whom the client wants to talk to, where it has said so; data connections show the same certificate. */
  readonly host?: string | undefined
}

/**
 * The TLS of one FTP session. All contexts share ticket keys that no other session has, so a data connection that
 * resumes a TLS session proves that it comes from the client of this control connection.
 */
export interface SessionTls {
  readonly control: SecureContext
  /** Sends no session tickets: TLS 1.3 sends them after the handshake, and a client that closes its upload without
   * having read them makes its kernel reset the connection and drop data that was still under way. */
  readonly upload: SecureContext
  /**
   * Sends a fresh ticket each time, for clients that use a TLS 1.3 ticket only once (curl, PHP); but none where resuming is
   * to prove who connects, as whoever comes first has one before it is looked at.
   */
  readonly download: SecureContext
  /** Whether clients are asked for certificates, on control and data connections. */
  readonly clientCertificates: 'off' | ClientAuthorities['mode']
  /** Store for TLS 1.2 session ids, for clients without tickets; the `server` option of `new TLSSocket`. */
  readonly resumption: EventEmitter
  /** The same for data connections, which resume what the control connection began and leave nothing; empty where `sessionReuse` is off. */
  readonly dataResumption: EventEmitter
  /** For a partner whose clients are not to continue sessions, which is known after the login. */
  withoutReuse(): void
  /** For a partner whose clients have to prove themselves by continuing the session of their control connection. */
  provingReuse(): void
}

const sessionIdsMax = 16
/** Seconds; the longest that TLS 1.3 allows. Node's two hours would end resumption in sessions that last all day. */
const sessionTimeout = 604_800

/**
 * Node's own list, with AES-128 in front for TLS 1.3 as it is for TLS 1.2: as safe for files on their way, and every byte
 * costs both ends a third less than with AES-256.
 */
const ciphers = ['TLS_AES_128_GCM_SHA256', ...DEFAULT_CIPHERS.split(':')].filter(
  (name, i, all) => all.indexOf(name) === i,
)

/** OpenSSL 3 signs nothing with SHA-1 above level 0, and the handshakes of TLS 1.0 and 1.1 need that. */
const legacyCiphers = `${ciphers.join(':')}:@SECLEVEL=0`

/**
 * Prepares TLS. Tests first whether tickets can be suppressed on this Node; where they cannot, TLS 1.2 is the highest
 * version. Throws an Error for the operator when that leaves no version.
 */
export async function createTls(settings: TlsSettings): Promise<Tls> {
  const names = serverNames(settings.certificates)
  const base: SecureContextOptions = {
    minVersion: settings.minVersion,
    maxVersion: 'TLSv1.3',
    ciphers: ciphers.join(':'),
    honorCipherOrder: true,
    // No FTP client needs a second handshake on a connection, and in TLS 1.2 each would cost the gateway more than its
    // client (CVE-2011-1473).
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: 'ftps-gateway',
    sessionTimeout,
  }
  const shownTo = (host: string | undefined) => {
    const certificates = names.certificatesFor(host)
    return { cert: certificates.map(({ cert }) => cert), key: certificates.map(({ key }) => key) }
  }
  const tried = new Session({ ...base, ...shownTo(undefined) }, true, 'prefer', 'off')
  const ticketSuppression = await suppressesTickets(tried)
  if (!ticketSuppression && settings.minVersion === 'TLSv1.3') {
    throw new Error(
      'this Node cannot keep session tickets off upload connections, so TLS 1.3 would lose data; set tls.minVersion to TLSv1.2 or use another Node version',
    )
  }
  return {
    ticketSuppression,
    names,
    newSession({ reuse, minTls = settings.minVersion, clients, host }) {
      const maxVersion = ticketSuppression && reuse !== 'require' ? 'TLSv1.3' : 'TLSv1.2'
      const legacy = minTls === 'TLSv1' || minTls === 'TLSv1.1'
      const believed = clients && { ca: clients.ca, ...(clients.crl.length > 0 && { crl: [...clients.crl] }) }
      const versions = { minVersion: minTls, maxVersion, ...(legacy && { ciphers: legacyCiphers }) } as const
      const mode = clients?.mode ?? 'off'
      return new Session({ ...base, ...shownTo(host), ...versions, ...believed }, ticketSuppression, reuse, mode)
    },
  }
}

class Session implements SessionTls {
  readonly #ids = new Map<string, Buffer>()
  readonly resumption = sessionIdStore(this.#ids, true)
  readonly clientCertificates: SessionTls['clientCertificates']
  readonly #base: SecureContextOptions
  dataResumption: EventEmitter
  readonly #ticketKeys = randomBytes(48)
  #dataKeys: Buffer
  #reuse: SessionReuse
  readonly #ticketSuppression: boolean
  #control: SecureContext | undefined
  #upload: SecureContext | undefined
  #download: SecureContext | undefined

  constructor(
    base: SecureContextOptions,
    ticketSuppression: boolean,
    reuse: SessionReuse,
    clientCertificates: SessionTls['clientCertificates'],
  ) {
    this.clientCertificates = clientCertificates
    this.#base = base
    this.#ticketSuppression = ticketSuppression
    this.#reuse = reuse
    // Without reuse a data connection knows nothing of the control connection's session, and leaves nothing behind.
    this.#dataKeys = reuse === 'off' ? randomBytes(48) : this.#ticketKeys
    this.dataResumption = reuse === 'off' ? new EventEmitter() : sessionIdStore(this.#ids, false)
  }
  withoutReuse(): void {
    this.#reuse = 'off'
    this.#dataKeys = randomBytes(48)
    this.dataResumption = new EventEmitter()
    this.#upload = undefined
    this.#download = undefined
  }
  provingReuse(): void {
    if (this.#reuse !== 'prefer') return
    this.#reuse = 'require'
    this.#download = undefined
  }
  get control(): SecureContext {
    this.#control ??= createSecureContext({ ...this.#base, ticketKeys: this.#ticketKeys })
    return this.#control
  }
  get upload(): SecureContext {
    this.#upload ??= this.#data('never')
    return this.#upload
  }
  get download(): SecureContext {
    const proves = this.#reuse === 'require' || this.clientCertificates !== 'off'
    this.#download ??= this.#data(this.#reuse === 'off' || proves ? 'never' : 'always')
    return this.#download
  }
  #data(tickets: 'always' | 'never'): SecureContext {
    if (!this.#ticketSuppression) {
      return this.#reuse === 'off' ? createSecureContext({ ...this.#base, ticketKeys: this.#dataKeys }) : this.control
    }
    const context = createSecureContext(this.#base)
    setTicketPolicy(context, this.#dataKeys, tickets)
    return context
  }
}

/** Node keeps no server-side sessions of its own. The answers must be synchronous: Node holds data back until they come. */
function sessionIdStore(sessions: Map<string, Buffer>, keeps: boolean): EventEmitter {
  const store = new EventEmitter()
  store.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
    if (keeps) sessions.set(id.toString('hex'), data)
    for (const oldest of sessions.keys()) {
      if (sessions.size <= sessionIdsMax) break
      sessions.delete(oldest)
    }
    done()
  })
  store.on('resumeSession', (id: Buffer, done: (error: Error | null, session: Buffer | null) => void) => {
    done(null, sessions.get(id.toString('hex')) ?? null)
  })
  return store
}

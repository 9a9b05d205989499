import { BackendError } from '../backend/backend.ts'
import type { Address, Receiving, Rights, Sending, Session, User } from '../commands/command.ts'
import { allRights } from '../commands/rights.ts'
import { usualLevel } from '../data/compression.ts'
import type { DataChannel } from '../data/data-channel.ts'
import { DataConnectionError } from '../data/data-error.ts'
import type { ByteRange } from '../ftp/byte-range.ts'
import type { ByteString } from '../ftp/bytes.ts'
import type { ChecksumName } from '../ftp/checksum.ts'
import { changed, type Dialect } from '../ftp/dialect.ts'
import { defaultFacts } from '../ftp/facts.ts'
import { resolve } from '../ftp/pathname.ts'
import type { Reply } from '../ftp/reply.ts'
import type { Secret } from '../ftp/secret.ts'
import type { OldSession } from '../legacy/old-server.ts'
import { addressable } from './addressable.ts'
import type { ControlConnection } from './control-connection.ts'
import { LoginDesk, type Refusals } from './login-desk.ts'
import { NamedHost } from './named-host.ts'
import type { SessionNames } from './session-names.ts'
import type { ListenerPolicy, SessionLimits, SessionOptions } from './session-options.ts'
import { certificateInWords, statusLines } from './session-words.ts'
import { contextOf, type TransferContext } from './transfer-report.ts'
import type { TransferRunner } from './transfer-runner.ts'

/** What a session is made of; see `ftp-server.ts` for how. */
export interface SessionParts {
  readonly id: string
  readonly clientAddress: string
  readonly listener: ListenerPolicy
  readonly options: SessionOptions
  /** Of the client's address. */
  readonly refusals: Refusals
  readonly data: DataChannel
  readonly transfers: TransferRunner
  readonly names: SessionNames
}

/** What commands see of a session: its parameters, its user, and the transfers they may ask for. */
export class SessionState implements Session {
  readonly id: string
  readonly clientAddress: string
  readonly listener: ListenerPolicy
  readonly options: SessionOptions
  readonly transfers: TransferRunner
  readonly names: SessionNames
  readonly #data: DataChannel
  readonly #desk: LoginDesk
  readonly #host: NamedHost
  #limits: SessionLimits = {}

  user: User | undefined
  /** Where the login is relayed. */
  old: OldSession | undefined
  passwordless = false
  partner = 'default'
  /** The running transfer command, to its final reply; never rejects. */
  transfer: Promise<void> | undefined
  dialect: Dialect
  rights: Rights = allRights
  security: Session['security']
  readonly tlsRequired: boolean

  type: Session['type'] = 'A'
  mode: Session['mode'] = 'S'
  compressionLevel = usualLevel
  directoryStyle: Session['directoryStyle']
  protection: 'C' | 'P'
  epsvOnly = false
  facts: ReadonlySet<string> = defaultFacts
  username: ByteString | undefined
  renameFrom: ByteString | undefined
  copyFrom: ByteString | undefined
  hashAlgorithm: ChecksumName = 'SHA-256'
  readonly #gone = new AbortController()
  restartAt = 0
  range: ByteRange | undefined
  declaredSize: number | undefined
  umask: number | undefined
  idleSeconds: number
  readonly idleSecondsMax: number

  constructor({ id, clientAddress, listener, options, refusals, data, transfers, names }: SessionParts) {
    this.id = id
    this.clientAddress = clientAddress
    this.listener = listener
    this.options = options
    this.dialect = this.#listenersDialect()
    this.directoryStyle = this.dialect.listing.style
    this.idleSeconds = options.timeouts.idleMs / 1000
    this.idleSecondsMax = Math.max(options.timeouts.idleMs, options.timeouts.idleMaxMs) / 1000
    this.transfers = transfers
    this.names = names
    this.#data = data
    this.#host = new NamedHost(options.tls.names, data.localAddress)
    this.#desk = new LoginDesk(id, { address: clientAddress, listener: listener.name }, options, refusals)
    this.security = listener.tls === 'off' ? 'unavailable' : 'plain'
    this.tlsRequired = listener.requireTls && listener.tls !== 'off'
    this.protection = listener.tls === 'implicit' ? 'P' : 'C'
  }

  #listenersDialect(): Dialect {
    const { sessionReuse, active } = this.listener
    return changed(this.options.dialect, { tls: { sessionReuse }, active: { mode: active } })
  }

  /** Secures the control connection, and forgets all that was said in the clear (RFC 4217 section 4). */
  async secure(control: ControlConnection): Promise<boolean> {
    const { observer, tls, timeouts, clientAuthorities } = this.options
    const session = this.id
    const { name, minTls, ccc = false } = this.listener
    const wishes = { reuse: this.dialect.tls.sessionReuse, minTls, clients: clientAuthorities.get(name) }
    const tlsFor = (serverName: string | undefined) => {
      this.#data.tls = tls.newSession({ ...wishes, host: this.#host.asked(serverName) })
      return this.#data.tls
    }
    try {
      const { shown, ...facts } = await control.upgrade(tlsFor, timeouts.handshakeMs, ccc)
      const { certificate, refused } = shown
      const told = certificate && { certificate: certificateInWords(certificate) }
      observer({ kind: 'tls', session, channel: 'control', outcome: 'ok', ...facts, ...told })
      if (refused !== undefined) observer({ kind: 'warning', topic: 'client_certificate', message: refused, session })
      this.#data.certificate = certificate
      this.#desk.certificate = certificate
    } catch (error) {
      observer({ kind: 'tls', session, channel: 'control', outcome: 'failed', reason: (error as Error).message })
      return false
    }
    this.security = 'secure'
    this.#forget()
    return true
  }

  /** Whether CCC takes the TLS off. */
  get clearable(): boolean {
    return this.listener.ccc === true
  }
  chooseHost(host: string): boolean {
    return this.#host.choose(host)
  }
  async startOver(): Promise<void> {
    const { user } = this
    this.user = undefined
    this.old = undefined
    this.partner = 'default'
    this.#leave()
    this.#host.forget()
    this.dialect = this.#listenersDialect()
    this.directoryStyle = this.dialect.listing.style
    this.protection = this.listener.tls === 'implicit' ? 'P' : 'C'
    this.#data.forget()
    this.#forget()
    this.names.logOut(this.dialect.names)
    await user?.files.close()
  }

  /** What AUTH and REIN set back. */
  #forget(): void {
    this.username = undefined
    this.#desk.close()
    this.type = 'A'
    this.mode = 'S'
    this.compressionLevel = usualLevel
    this.epsvOnly = false
    this.facts = defaultFacts
    this.hashAlgorithm = 'SHA-256'
    this.umask = undefined
    this.renameFrom = undefined
    this.copyFrom = undefined
    this.restartAt = 0
    this.range = undefined
    this.declaredSize = undefined
    this.idleSeconds = this.options.timeouts.idleMs / 1000
    this.names.forget()
  }

  expectLogin(username: ByteString): void {
    this.#desk.expect(username)
  }
  certificateSuffices(username: ByteString): boolean {
    return this.#desk.certificateSuffices(username)
  }
  async logIn(username: ByteString, password: Secret | undefined): Promise<readonly ByteString[]> {
    const { partner, files: theirs, dialect, limits = {}, admitted, old } = await this.#desk.logIn(username, password)
    this.partner = partner
    this.old = old
    this.#limits = limits
    this.rights = limits.rights ?? allRights
    if (limits.idleMs !== undefined) this.idleSeconds = limits.idleMs / 1000
    this.passwordless = password === undefined
    this.dialect = changed(this.dialect, dialect)
    if (this.dialect.tls.sessionReuse === 'off') this.#data.tls?.withoutReuse()
    if (this.dialect.tls.sessionReuse === 'require') this.#data.tls?.provingReuse()
    this.directoryStyle = this.dialect.listing.style
    this.names.logIn(partner, this.dialect.names)
    const files = this.names.mayTranslate ? addressable(theirs, () => this.names.translation) : theirs
    this.user = {
      name: username,
      files,
      directory: files.home,
      resolve(path) {
        const resolved = resolve(this.directory, path, files.home)
        if (resolved === undefined) throw new BackendError('invalidName', 'the path has a line break in it')
        return resolved
      },
      migration: admitted?.status ?? [],
    }
    // Said before the login, it was said to us.
    if (this.names.saysUtf8) await old?.ask('OPTS UTF8 ON')
    return admitted?.notice ?? []
  }
  useUtf8(on: boolean): boolean {
    return this.names.useUtf8(on)
  }
  get loginsExhausted(): boolean {
    return this.#desk.exhausted
  }
  async listenForData(family: 'PASV' | 'EPSV'): Promise<Address> {
    return this.#data.listen(family, this.dialect.passive.peerMustMatch)
  }
  async connectForData(address: Address): Promise<void> {
    this.#data.connectTo(address, this.dialect.active.privateAddress)
  }
  get transferring(): boolean {
    return this.transfer !== undefined
  }

  /** Before a transfer command touches any file: is there a way for the data, and is it private enough? */
  checkData(): void {
    if (this.tlsRequired && this.protection !== 'P') throw new DataConnectionError('unprotected', 'PROT C')
    this.#data.checkPrepared()
  }
  send(transfer: Sending): Promise<Reply> {
    const { content, path, verb } = transfer
    const shown = verb === 'RETR' ? transfer : { ...transfer, content: this.names.shownListing(content, path) }
    return this.transfers.send(this.context(), shown)
  }
  receive(transfer: Receiving): Promise<Reply> {
    return this.transfers.receive(this.context(), transfer)
  }
  async abortTransfer(): Promise<boolean> {
    const aborted = this.transfers.abort()
    await this.transfer
    if (!aborted) this.#data.forget()
    return aborted
  }
  get gone(): AbortSignal {
    return this.#gone.signal
  }
  /** Whatever is done for nobody but the client stops. */
  abandon(): void {
    this.#gone.abort()
  }
  /** The client has hung up; a transfer may go on all the same. */
  clientLeft(): void {
    this.#data.clientLeft()
  }
  /** For the record: the transfer command was answered without a transfer. */
  async transferRefused(argument: ByteString, code: number): Promise<void> {
    if (this.user) await this.transfers.refused(this.context(), this.user.resolve(argument), code)
  }
  endTransfer(): void {
    this.transfers.end()
    this.renameFrom = undefined
    this.copyFrom = undefined
    this.restartAt = 0
    this.range = undefined
    this.declaredSize = undefined
  }
  status(): readonly ByteString[] {
    return statusLines(this)
  }

  /** Ends what is under way at once, requests to the backend included. */
  cut(): void {
    this.#gone.abort()
    this.transfers.abort()
    this.#data.close()
    void this.user?.files.close()
  }
  async close(): Promise<void> {
    this.#leave()
    this.names.close()
    this.#desk.close()
    this.#data.close()
    await this.user?.files.close()
  }

  /** Makes room for another login of the same account. */
  #leave(): void {
    this.#limits.leave?.()
    this.rights = allRights
    this.#limits = {}
  }

  context(): TransferContext {
    return contextOf(this, this.#limits)
  }
}

import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackendError } from '../../src/backend/backend.ts'
import type { Address, Receiving, Sending, Session, User } from '../../src/commands/command.ts'
import { commands } from '../../src/commands/index.ts'
import { allRights } from '../../src/commands/rights.ts'
import { type ByteString, fromBuffer } from '../../src/ftp/bytes.ts'
import { parseCommandLine } from '../../src/ftp/command-line.ts'
import { type Dialect, usualDialect } from '../../src/ftp/dialect.ts'
import { defaultFacts } from '../../src/ftp/facts.ts'
import { resolve } from '../../src/ftp/pathname.ts'
import { type Reply, reply } from '../../src/ftp/reply.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { MemoryBackend } from './memory-backend.ts'

/**
 * A session without sockets, over files in memory. It finds and runs commands as the dispatcher does, except that a
 * failure is thrown for the test to see, and that the data connection is a Buffer.
 */
export class FakeSession implements Session {
  readonly id = 'test'
  clientAddress = '192.0.2.9'
  security: Session['security'] = 'plain'
  clearable = false
  tlsRequired = false
  dialect: Dialect = usualDialect
  rights = allRights
  type: Session['type'] = 'A'
  mode: Session['mode'] = 'S'
  compressionLevel = 6
  directoryStyle: Session['directoryStyle'] = 'unix'
  protection: 'C' | 'P' = 'C'
  epsvOnly = false
  facts: ReadonlySet<string> = defaultFacts
  username: ByteString | undefined
  renameFrom: ByteString | undefined
  copyFrom: ByteString | undefined
  hashAlgorithm: Session['hashAlgorithm'] = 'SHA-256'
  readonly leave = new AbortController()
  readonly gone = this.leave.signal
  restartAt = 0
  range: Session['range']
  declaredSize: number | undefined
  umask: number | undefined
  idleSeconds = 900
  /** What a login is told beside that it is one. */
  notice: readonly ByteString[] = []
  readonly idleSecondsMax = 7200
  transferring = false

  readonly backend: MemoryBackend
  user: User | undefined
  /** The data connection: what RETR and the listings sent, and what STOR, STOU and APPE will find. */
  sent = Buffer.alloc(0)
  upload: Buffer = Buffer.alloc(0)
  /** What came before the last final reply, and what it was about. */
  transfer: Sending | Receiving | undefined
  /** Throws in place of sending or receiving. */
  dataFailure: Error | undefined
  connectedTo: Address | undefined
  passive: Address = { host: '198.51.100.7', port: 50_001 }
  declared: number | undefined

  constructor(backend = new MemoryBackend()) {
    this.backend = backend
  }

  /** A session that has logged in, in TYPE I. */
  static async loggedIn(backend?: MemoryBackend): Promise<FakeSession> {
    const session = new FakeSession(backend)
    await session.logIn('user', new Secret('secret'))
    session.type = 'I'
    return session
  }

  /** The reply to one line; rejects with what the command throws. */
  async run(line: ByteString): Promise<Reply> {
    const { verb, argument: text } = parseCommandLine(line)
    const command = commands.get(verb)
    if (command === undefined) return reply(500, 'Unknown command.')
    if (command.access === 'loggedIn' && this.user === undefined) return reply(530, 'Please log in.')
    const argument = command.argument.parse(text)
    if (argument === undefined) return reply(501, `Syntax: ${verb} ${command.argument.syntax}`)
    try {
      return await command.run({ session: this, user: this.user, argument })
    } finally {
      if (command.transfers === true) {
        this.restartAt = 0
        this.range = undefined
        this.declaredSize = undefined
        this.renameFrom = undefined
        this.copyFrom = undefined
      }
    }
  }

  /** What a command sends over the data connection, as text. */
  async fetch(line: ByteString): Promise<ByteString> {
    this.sent = Buffer.alloc(0)
    const { code, lines } = await this.run(line)
    if (code !== 226) throw new Error(`${line}: ${code} ${lines.join('|')}`)
    return fromBuffer(this.sent)
  }

  /** What OPTS UTF8 OFF goes back to, where something is known. */
  legacyCharset = false
  utf8 = true
  useUtf8(on: boolean): boolean {
    if (!on && !this.legacyCharset) return false
    this.utf8 = on
    return true
  }
  expectLogin(): void {}
  async startOver(): Promise<void> {
    this.user = undefined
    this.username = undefined
  }
  /** The user who needs no password. */
  certified: ByteString | undefined
  passwordless = false
  chooseHost(host: string): boolean {
    return host === 'ftp.example.com'
  }
  certificateSuffices(username: ByteString): boolean {
    return username === this.certified
  }
  async logIn(username: ByteString, password = new Secret('secret')): Promise<readonly ByteString[]> {
    this.passwordless = username === this.certified
    const files = await this.backend.open({ kind: 'password', username, password })
    const user: User = {
      name: username,
      files,
      directory: files.home,
      resolve(path) {
        const resolved = resolve(user.directory, path, files.home)
        if (resolved === undefined) throw new BackendError('invalidName', 'CR, LF or NUL in a name')
        return resolved
      },
    }
    this.user = user
    return this.notice
  }

  async listenForData(): Promise<Address> {
    return this.passive
  }
  async connectForData(address: Address): Promise<void> {
    this.connectedTo = address
  }

  async send(transfer: Sending): Promise<Reply> {
    this.transfer = transfer
    if (this.dataFailure !== undefined) throw this.dataFailure
    const chunks: Buffer[] = []
    for await (const chunk of transfer.content) {
      if (chunk.length === 0) throw new Error('an empty chunk')
      chunks.push(chunk)
    }
    this.sent = Buffer.concat(chunks)
    return reply(226, 'Transfer complete.')
  }

  async receive(transfer: Receiving): Promise<Reply> {
    this.transfer = transfer
    this.declared = this.declaredSize
    const { upload, convert, done } = transfer
    try {
      if (this.dataFailure !== undefined) throw this.dataFailure
      const source = new PassThrough()
      source.end(this.upload)
      if (convert) await pipeline(source, convert, upload.sink)
      else await pipeline(source, upload.sink)
      await upload.commit()
    } catch (error) {
      await upload.abandon('nothing')
      throw error
    }
    return reply(226, done ?? 'Transfer complete.')
  }

  async abortTransfer(): Promise<boolean> {
    return this.transferring
  }
  status(): readonly ByteString[] {
    return ['Connected from 192.0.2.9']
  }
}

import { BackendError } from '../backend/backend.ts'
import type { Command } from '../commands/command.ts'
import { commands, families } from '../commands/index.ts'
import { doingOf, refusalOf, refuse } from '../commands/rights.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { type CommandLine, foreignProtocol, parseCommandLine } from '../ftp/command-line.ts'
import { closing, coded, type Reply, reply } from '../ftp/reply.ts'
import type { SessionEnd } from '../observe/observer.ts'
import type { ControlConnection, Input, Interruption } from './control-connection.ts'
import { Relay } from './relay.ts'
import { isForeseen, replyTo } from './replies.ts'
import type { SessionState } from './session-state.ts'

/** Lines that may wait behind a transfer; then the socket is no longer read. */
const heldMax = 32
/** Lines before login that make no sense, and lines that are too long, after which the connection is closed. */
const strangeMax = 5
/** A command that was not understood is no transfer. */
const syntaxError = 501
const tooLongMax = 3
/** A transfer that is cut because the gateway stops has this long to put its file in order and to tell its client. */
export const lastWordsMs = 1_000

/**
 * One client's conversation (the server-PI): takes a line, runs its command, sends exactly one final reply. Commands run
 * one at a time; a transfer runs beside the loop, so that ABOR and STAT are read while it lasts, and every other command
 * waits for its end.
 */
export class FtpSession {
  readonly #control: ControlConnection
  readonly #state: SessionState
  readonly #held: CommandLine[] = []
  #reading: Promise<Input> | undefined
  #idle: NodeJS.Timeout | undefined
  #login: NodeJS.Timeout | undefined
  #strange = 0
  #tooLong = 0
  #over: SessionEnd | undefined
  #cutting: NodeJS.Timeout | undefined
  #relay: Relay | undefined
  #lastWords: Reply | undefined

  constructor(control: ControlConnection, state: SessionState) {
    this.#control = control
    this.#state = state
    control.onGone = () => state.abandon()
  }

  /** From the greeting to the end of the connection. Never throws. */
  async run(): Promise<SessionEnd> {
    this.#awaitLogin()
    try {
      await this.#greet()
      while (!this.#over) await this.#step()
    } catch (error) {
      this.#over ??= 'error'
      this.#state.options.observer({ kind: 'bug', error, session: this.#state.id })
    } finally {
      clearTimeout(this.#login)
      clearTimeout(this.#idle)
      await this.#state.transfer
      await this.#state.close()
      await this.#control.close()
      clearTimeout(this.#cutting)
    }
    return this.#over ?? 'error'
  }

  /** z/OS waits on the implicit port for a greeting in the clear, unless it is told that servers differ (SECUREIMPLICITZOS). */
  async #greet(): Promise<void> {
    const { tls, greetingDelayMs } = this.#state.listener
    const greeting = coded(220, ...(this.#state.options.greeting?.() ?? []), 'FTP server ready.')
    const silent = greetingDelayMs !== undefined && !(await this.#control.speaks(greetingDelayMs))
    if (silent) await this.#control.send(greeting)
    if (tls === 'implicit') await this.#secure()
    if (!silent) await this.#control.send(greeting)
  }

  #awaitLogin(): void {
    clearTimeout(this.#login)
    this.#login = setTimeout(() => {
      if (!this.#state.user) this.#control.interrupt('loginTimeout')
    }, this.#state.options.timeouts.loginMs)
  }

  /** Ends the session: politely after the command that is running, or at once, except that a transfer has its last words. */
  stop(how: 'drain' | 'cut'): void {
    if (how === 'cut' && !this.#state.transferring) this.#cut()
    else this.#control.interrupt('shutdown')
    if (how === 'drain' || !this.#state.transferring) return
    this.#state.transfers.abort()
    this.#cutting ??= setTimeout(() => this.#cut(), lastWordsMs)
  }

  #cut(): void {
    this.#state.cut()
    this.#control.destroy()
  }

  async #step(): Promise<void> {
    this.#restartIdleTimer()
    const line = await this.#nextLine()
    clearTimeout(this.#idle)
    if (line === undefined) return
    const command = this.#find(line)
    const { transfer } = this.#state
    const running = this.#execute(line, command)
    // What an old server is asked during a transfer it may answer only afterwards, and ABOR must be read before.
    const unawaited = command?.transfers || (transfer !== undefined && this.#relay !== undefined)
    if (!unawaited) return running
    const done = running.catch((error) => this.#state.options.observer({ kind: 'bug', error, session: this.#state.id }))
    const all: Promise<void> = Promise.all([transfer, done]).then(() => {
      if (this.#state.transfer === all) this.#state.transfer = undefined
    })
    this.#state.transfer = all
  }

  #find(line: CommandLine): Command | undefined {
    return this.#relay ? this.#relay.command(line) : commands.get(line.verb)
  }

  /** A login at an old server leads the session there, until REIN ends it; returns what that says to its PASS. */
  #handOver(): Reply | undefined {
    const { old } = this.#state
    if (this.#relay?.old === old) return undefined
    this.#relay = old && new Relay(old, this.#state, (reply) => this.#control.send(reply))
    if (!old) return undefined
    old.onLost = (lastWords) => {
      this.#lastWords = lastWords && { ...lastWords, afterwards: 'close' }
      this.#control.interrupt('lost')
    }
    return old.welcome
  }

  /** The next line whose turn it is; undefined when something else happened. Lines that must wait for a transfer are held. */
  async #nextLine(): Promise<CommandLine | undefined> {
    if (!this.#state.transferring && this.#held.length > 0) return this.#held.shift()
    if (this.#held.length >= heldMax) {
      await this.#state.transfer
      return undefined
    }
    this.#reading ??= this.#control.read()
    const input = await (this.#state.transferring ? Promise.race([this.#reading, this.#state.transfer]) : this.#reading)
    if (!input) return undefined
    this.#reading = undefined
    if (input.kind !== 'line') return this.#onOther(input)
    const line = parseCommandLine(input.text)
    if (!this.#state.user && foreignProtocol(input.text)) return this.#onForeign(foreignProtocol(input.text))
    if (!this.#state.transferring || this.#runsBeside(this.#find(line))) return line
    this.#held.push(line)
    return undefined
  }

  #runsBeside(command: Command | undefined): boolean {
    const { duringTransfer = false } = command ?? {}
    return typeof duringTransfer === 'function' ? duringTransfer(this.#state) : duringTransfer
  }

  async #onOther(input: Exclude<Input, { kind: 'line' }>): Promise<undefined> {
    switch (input.kind) {
      case 'tooLong':
        this.#tooLong++
        if (this.#tooLong < tooLongMax) await this.#control.send(reply(500, 'Command line too long.'))
        else await this.#finish('refused', closing(421, 'Too many command lines too long.'))
        return
      case 'end':
        // What is being transferred decides about itself by the data connection: printers hang up after the last byte.
        this.#state.clientLeft()
        await this.#state.transfer
        this.#over = 'client'
        return
      case 'loginTimeout':
        // It may have rung while the backend was still looking at a password that was right.
        if (!this.#state.user) await this.#finish('timeout', farewell.timeout)
        return
      case 'lost':
        await this.#state.transfer
        await this.#finish('refused', this.#lastWords ?? replyTo(new BackendError('unavailable', 'lost'), 'command'))
        return
      default:
        await this.#state.transfer
        await this.#finish(input.kind, farewell[input.kind])
    }
  }

  async #onForeign(how: 'refuse' | 'drop' | undefined): Promise<undefined> {
    if (how === 'refuse') await this.#finish('refused', closing(501, 'This is an FTP server.'))
    else this.#over = 'refused'
  }

  async #execute({ verb, argument }: CommandLine, command: Command | undefined): Promise<void> {
    const startedAt = performance.now()
    if (command?.transfers) await this.#state.transfers.begin(verb)
    const text = this.#understood(argument, command)
    const own = await this.#answer(text, command).catch((error) => this.#failed(error, verb, command))
    const answer = this.#handOver() ?? own
    if (command?.transfers) {
      if (answer.code !== syntaxError) await this.#state.transferRefused(text ?? argument, answer.code)
      this.#state.endTransfer()
    }
    const seconds = (performance.now() - startedAt) / 1000
    const shown = command?.secret ? '' : (text ?? argument)
    const known = command !== undefined
    const { observer } = this.#state.options
    const about = { session: this.#state.id, verb, known, family: families.get(verb) }
    observer({ kind: 'command', ...about, argument: shown, code: answer.code, seconds })
    if (this.#isStrange(answer.code, known)) return this.#finish('refused', closing(421, 'Too many bad commands.'))
    if (answer.afterwards === 'clear') await this.#clear(answer)
    else await this.#control.send(answer)
    if (answer.afterwards === 'close') this.#over ??= verb === 'QUIT' ? 'quit' : 'refused'
    if (answer.afterwards === 'secure') await this.#secure()
    if (answer.afterwards === 'logIn') this.#awaitLogin()
  }

  /** The argument in the gateway's charset; undefined when it means nothing in the client's. */
  #understood(argument: ByteString, command: Command | undefined): ByteString | undefined {
    return command?.secret ? argument : this.#state.names.understood(argument)
  }

  async #answer(text: ByteString | undefined, command: Command | undefined): Promise<Reply> {
    const state = this.#state
    if (!command) return reply(500, 'Unknown command.')
    if (command.access !== 'anyone' && state.tlsRequired && state.security === 'plain') {
      return reply(530, 'Please use AUTH TLS first.')
    }
    if (command.access === 'loggedIn' && !state.user) return reply(530, 'Please log in with USER and PASS.')
    const why = command.access === 'secured' ? undefined : refusalOf(state.rights, doingOf(command))
    if (why !== undefined) return refuse(why, command.verbs[0], command.feature !== undefined)
    if (text === undefined)
      throw new BackendError('invalidName', 'the argument is not text in the charset of the client')
    const argument = command.argument.parse(text)
    if (argument === undefined) return reply(501, `Syntax: ${command.verbs[0]} ${command.argument.syntax}`.trimEnd())
    if (!command.transfers) return command.run({ session: state, user: state.user, argument })
    state.checkData()
    return state.transfers.orAborted(Promise.resolve(command.run({ session: state, user: state.user, argument })))
  }

  #failed(error: unknown, verb: string, command: Command | undefined): Reply {
    if (!isForeseen(error)) this.#state.options.observer({ kind: 'bug', error, session: this.#state.id })
    const answer = replyTo(error, verb === 'PASS' || verb === 'USER' ? 'login' : 'command')
    if (verb === 'PASS' && this.#state.loginsExhausted) return { ...answer, afterwards: 'close' }
    // A backend that went away before a transfer's 150 is a failed transfer; the next command closes.
    return command?.transfers && answer.afterwards === 'close' ? replyTo(error, 'transfer') : answer
  }

  /** Other protocols and scanners send line after line that FTP does not know; clients before login do not. */
  #isStrange(code: number, known: boolean): boolean {
    if (this.#state.user || (known && code !== 500)) return false
    this.#strange++
    return this.#strange >= strangeMax
  }

  /**
   * An AUTH that had to wait behind a transfer may have plaintext behind it that has been read already, and would be taken for
   * what the client says in TLS: no client sends ahead there, but somebody in between may (CVE-2011-0411).
   */
  async #secure(): Promise<void> {
    const pipelined = this.#held.length > 0 || this.#reading !== undefined
    const ok = !pipelined && (await this.#state.secure(this.#control))
    if (!ok) this.#over = 'refused'
  }

  async #clear(last: Reply): Promise<void> {
    await this.#control.clear(last)
    this.#state.security = 'cleared'
  }

  async #finish(end: SessionEnd, last: Reply): Promise<void> {
    await this.#control.send(last)
    this.#over ??= end
  }

  #restartIdleTimer(): void {
    clearTimeout(this.#idle)
    if (this.#state.transferring) return
    this.#idle = setTimeout(() => this.#control.interrupt('timeout'), this.#state.idleSeconds * 1000)
  }
}

const farewell: Record<Exclude<Interruption, 'loginTimeout' | 'lost'>, Reply> = {
  timeout: closing(421, 'Timeout, closing the control connection.'),
  shutdown: closing(421, 'Service is restarting, please reconnect.'),
}

import { connect, isIPv6, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { BackendError } from '../backend/backend.ts'
import type { Address } from '../data/addresses.ts'
import { plainConnection } from '../data/plain-connection.ts'
import { judgeEnd } from '../data/secure-connection.ts'
import { EndOfDataShim } from '../tls/end-of-data-shim.ts'
import { endSafely } from '../tls/safe-end.ts'
import { type ControlLine, happened } from './control-line.ts'
import { type DataSocket, dataLost, waitingMax } from './data-socket.ts'
import { extendedPort, passiveAddress } from './passive-answer.ts'
import { fingerprintOf, identityOf } from './verify.ts'

/** Opens data connections to the old server, the passive way only: it may be behind a firewall, and we may be, too. */
export class DataOpener {
  readonly #line: ControlLine
  /** Of the certificate of the control connection. */
  readonly #fingerprint: string | undefined
  #extended = true

  constructor(line: ControlLine) {
    this.#line = line
    this.#fingerprint = line.secured && fingerprintOf(line.secured)
  }

  /** Throws BackendError `failed` where the server gives no port or nobody is there. */
  async open(direction: 'upload' | 'download', signal: AbortSignal): Promise<DataSocket> {
    const { name, timeouts } = this.#line.settings
    const address = await this.#passive()
    const raw = connect({ ...address, allowHalfOpen: true })
    raw.on('error', () => {})
    const abort = () => raw.destroy()
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    try {
      await happened(raw, 'connect', timeouts.connectMs)
    } catch (cause) {
      raw.destroy()
      throw new BackendError('failed', `old server ${name}: data connection to port ${address.port}: ${cause}`, {
        cause,
      })
    } finally {
      signal.removeEventListener('abort', abort)
    }
    raw.setNoDelay(true)
    return this.#line.context ? this.#secured(raw, direction) : this.#plain(raw, direction)
  }

  async #passive(): Promise<Address> {
    const { address, settings } = this.#line
    if (this.#extended) {
      const answer = await this.#line.ask('EPSV')
      const port = answer.code === 229 ? extendedPort(answer.verbatim) : undefined
      if (port !== undefined) return { host: address, port }
      if (answer.code === 421) throw gone(settings.name)
      this.#extended = isIPv6(address)
    }
    const answer = await this.#line.ask(this.#extended ? 'EPSV' : 'PASV')
    const found = answer.code === 227 ? passiveAddress(answer.verbatim, address) : undefined
    if (found) return found
    if (answer.code === 421) throw gone(settings.name)
    throw new BackendError('failed', `old server ${settings.name}: it gives no data port but ${answer.code}`)
  }

  #plain(raw: Socket, direction: 'upload' | 'download'): DataSocket {
    // A download is what comes in, as an upload is at the client's end.
    const { end } = plainConnection(raw, direction === 'download' ? 'upload' : 'download')
    const { stallMs } = this.#line.settings.timeouts
    return { raw, stream: raw, ready: Promise.resolve(), complete: () => true, end, stallMs }
  }

  /** The handshake begins at once; the server takes part when it has read its command. */
  #secured(raw: Socket, direction: 'upload' | 'download'): DataSocket {
    const { context: secureContext, tlsSession: session, settings } = this.#line
    const shim = direction === 'download' ? new EndOfDataShim(raw) : undefined
    const stream = connectTls({
      socket: shim ?? raw,
      secureContext,
      ...(session && { session }),
      rejectUnauthorized: false,
      ...identityOf(settings.host),
      // Taken by net.Socket, unknown to the typings.
      ...{ highWaterMark: waitingMax },
    })
    stream.on('error', () => {})
    const endOfData = shim ? judgeEnd(stream, shim, () => true) : () => 'none' as const
    const ready = this.#proven(stream)
    ready.catch(() => stream.destroy())
    const end = () => endSafely(stream, shim)
    return {
      raw,
      stream,
      ready,
      complete: () => endOfData() === 'close_notify',
      end,
      stallMs: settings.timeouts.stallMs,
    }
  }

  /** Whoever is at the other end must be who is at the end of the control connection. */
  async #proven(stream: TLSSocket): Promise<void> {
    const { tls, timeouts } = this.#line.settings
    await happened(stream, 'secureConnect', timeouts.connectMs + timeouts.replyMs).catch((cause: unknown) => {
      throw dataLost(cause)
    })
    if (stream.isSessionReused() || fingerprintOf(stream) === this.#fingerprint) return
    if (tls.verify || tls.fingerprints.length > 0) throw dataLost(new Error('it shows another certificate there'))
  }
}

function gone(name: string): BackendError {
  return new BackendError('unavailable', `old server ${name}: it says 421`)
}

import { BackendError } from '../backend.ts'
import { isSessionLost } from './failures.ts'
import type { SftpClient } from './sftp-client.ts'
import type { TransferParts } from './transfer-parts.ts'

/** Losses in a row, without a byte in between, that a transfer bears. */
const fruitlessMax = 3

/** The SFTP session that a transfer works with, and the next one where that is lost. */
export class TransferSession {
  parts: TransferParts
  /** How far the transfer was at the last loss, and how often in a row it came no further. */
  #last = { at: -1, times: 0 }

  constructor(parts: TransferParts) {
    this.parts = parts
  }

  get client(): SftpClient {
    return this.parts.client
  }
  get renewable(): boolean {
    return this.parts.renew !== undefined
  }

  /** Goes over to another session; `at` tells progress from a circle. Throws BackendError where there is none, or none is of use. */
  async renew(at: number): Promise<void> {
    this.#last = { at, times: at === this.#last.at ? this.#last.times + 1 : 1 }
    if (this.#last.times > fruitlessMax) throw new BackendError('unavailable', 'the backend is lost again and again')
    const renewed = await this.parts.renew?.()
    if (!renewed) throw new BackendError('unavailable', 'the backend was lost')
    this.parts = renewed
  }

  /** Does a step; where the session is lost meanwhile, prepares another one and does it again. */
  async repeat<T>(step: () => Promise<T>, prepare: () => Promise<unknown>): Promise<T> {
    for (;;) {
      try {
        return await step()
      } catch (error) {
        if (!isSessionLost(error) || !this.renewable) throw error
      }
      await prepare()
    }
  }
}

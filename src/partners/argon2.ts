import * as crypto from 'node:crypto'
import { promisify } from 'node:util'

/** What Node's crypto has from 24.7 on; the typings are those of an older one. */
interface Argon2Parameters {
  readonly message: string
  readonly nonce: Buffer
  readonly parallelism: number
  readonly tagLength: number
  /** KiB. */
  readonly memory: number
  readonly passes: number
}
type Argon2 = (
  algorithm: 'argon2id',
  parameters: Argon2Parameters,
  callback: (error: Error | null, tag: Buffer) => void,
) => void

const native = (crypto as { readonly argon2?: Argon2 }).argon2

/** Whether this Node has argon2. */
export const hasArgon2 = native !== undefined

/** Rejects where this Node has none. */
export async function argon2id(parameters: Argon2Parameters): Promise<Buffer> {
  if (native === undefined) throw new Error(`argon2id needs Node 24.7 or later, this is ${process.version}`)
  return promisify(native)('argon2id', parameters)
}

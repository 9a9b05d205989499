import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { argon2id } from './argon2.ts'

/** Cost of new hashes: 32 MiB and well below a tenth of a second. */
const cost = { ln: 15, r: 8, p: 1 }
const saltLength = 16
const hashLength = 32

/** A new hash of a password, in PHC form: `$scrypt$ln=15,r=8,p=1$salt$hash`, base64 without padding. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltLength)
  const hash = await derive(password, salt, hashLength, cost)
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(hash)}`
}

/** Cost of new argon2id hashes, in KiB, passes and lanes: the second recommendation of OWASP's cheat sheet, with more memory. */
const argon2Cost = { m: 32_768, t: 2, p: 1 }

/** As `hashPassword`, in argon2id. Rejects where this Node has none. */
export async function hashPasswordArgon2id(password: string): Promise<string> {
  const salt = randomBytes(saltLength)
  const { m, t, p } = argon2Cost
  const hash = await argon2id({
    message: password,
    nonce: salt,
    memory: m,
    passes: t,
    parallelism: p,
    tagLength: hashLength,
  })
  return `$argon2id$v=19$m=${m},t=${t},p=${p}$${base64(salt)}$${base64(hash)}`
}

/** Whether a password is the one of the hash; compares in constant time. Throws Error when the hash is malformed. */
export async function verifyPassword(encoded: string, password: string): Promise<boolean> {
  if (encoded.startsWith('$argon2id$')) return verifyArgon2id(encoded, password)
  const { salt, hash, ...parameters } = parse(encoded)
  const derived = await derive(password, salt, hash.length, parameters)
  return timingSafeEqual(derived, hash)
}

async function verifyArgon2id(encoded: string, password: string): Promise<boolean> {
  const form = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,})\$([A-Za-z0-9+/]{22,})$/
  const [, memory, passes, parallelism, salt, tag] = form.exec(encoded) ?? []
  if (salt === undefined || tag === undefined) throw new Error('malformed password hash')
  const hash = Buffer.from(tag, 'base64')
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  const nonce = Buffer.from(salt, 'base64')
  const derived = await argon2id({ message: password, nonce, tagLength: hash.length, ...cost })
  return timingSafeEqual(derived, hash)
}

interface Parameters {
  /** Binary logarithm of scrypt's N. */
  readonly ln: number
  readonly r: number
  readonly p: number
}

function parse(encoded: string): Parameters & { readonly salt: Buffer; readonly hash: Buffer } {
  const form = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/
  const [, ln, r, p, salt, hash] = form.exec(encoded) ?? []
  if (ln === undefined || r === undefined || p === undefined || salt === undefined || hash === undefined) {
    throw new Error('malformed password hash')
  }
  return {
    ln: Number(ln),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  }
}

function derive(password: string, salt: Buffer, length: number, { ln, r, p }: Parameters): Promise<Buffer> {
  const N = 2 ** ln
  // Node's limit is 32 MiB, just what the default cost needs and no byte more.
  const options: ScryptOptions = { N, r, p, maxmem: 128 * r * (N + p) + 1024 ** 2 }
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

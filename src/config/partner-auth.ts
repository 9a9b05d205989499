import { Secret } from '../ftp/secret.ts'
import type { Checks } from './checks.ts'
import type { BackendProof, PartnerAuth } from './config.ts'
import { readNamed, resolveFrom } from './files.ts'
import type { Problems } from './problems.ts'
import type { partnerSchema } from './schema.ts'
import { type Path, type Source, textAt } from './source.ts'
import type { Values } from './table.ts'

type PartnerValues = Values<typeof partnerSchema>

const onlyHeld: readonly Path[] = [
  ['auth', 'passwordHash'],
  ['auth', 'sftp', 'username'],
  ['auth', 'sftp', 'privateKey'],
  ['auth', 'sftp', 'passphrase'],
  ['auth', 'sftp', 'password'],
]

/** How clients prove themselves, and what the backend is entered with; undefined, and faults, where that cannot be. */
export async function checkAuth(
  auth: PartnerValues['auth'],
  source: Source,
  problems: Problems,
  checks: Checks | undefined,
): Promise<PartnerAuth | undefined> {
  const { mode, passwordHash, username } = auth
  if (problems.has(source, ['auth', 'mode'])) return undefined
  if (mode === 'passthrough') {
    for (const path of onlyHeld) {
      if (textAt(source, path) !== undefined)
        problems.add(source, path, 'needs auth.mode: local; with passthrough it does nothing')
    }
    return { mode, username }
  }
  if (username !== undefined) {
    problems.add(source, ['auth', 'username'], 'needs auth.mode: passthrough (did you mean "auth.sftp.username"?)')
  }
  const hashed = ['auth', 'passwordHash']
  if (mode === 'local' && passwordHash === undefined) {
    problems.add(source, hashed, 'is missing; mode local needs what `ftps-gateway hash-password` prints')
  }
  if (mode === 'certificate' && textAt(source, hashed) !== undefined) {
    problems.add(source, hashed, 'needs auth.mode: local; with certificate nobody is asked for a password')
  }
  const account = await checkAccount(auth, source, problems, checks)
  if (account === undefined) return undefined
  if (mode === 'certificate') return { mode, ...account }
  return passwordHash === undefined ? undefined : { mode, passwordHash, ...account }
}

/** The account that the gateway itself has on the backend. */
async function checkAccount(
  { mode, sftp }: PartnerValues['auth'],
  source: Source,
  problems: Problems,
  checks: Checks | undefined,
): Promise<{ readonly username: string; readonly proof: BackendProof } | undefined> {
  const { username, privateKey: keyFile, passphrase, password } = sftp
  const missing = (path: Path, what: string): void =>
    problems.add(source, path, `is missing; mode ${mode} needs ${what}`)
  if (username === undefined) missing(['auth', 'sftp', 'username'], 'the user name on the backend')
  const key = ['auth', 'sftp', 'privateKey']
  if (password !== undefined) {
    for (const other of ['privateKey', 'passphrase'] as const) {
      if (sftp[other] === undefined) continue
      problems.add(source, ['auth', 'sftp', other], 'and password exclude each other; the backend is entered with one')
    }
    return username === undefined
      ? undefined
      : { username, proof: { kind: 'password', password: new Secret(password) } }
  }
  if (keyFile === undefined) missing(key, 'the file of the private key for the backend, or auth.sftp.password')
  const privateKey = keyFile && (await readNamed(source, key, resolveFrom(source, keyFile), problems))
  if (username === undefined || privateKey === undefined || privateKey === '') return undefined
  const fault = checks?.privateKey(privateKey, passphrase)
  if (fault !== undefined) problems.add(source, key, fault)
  return { username, proof: { kind: 'privateKey', privateKey, passphrase } }
}

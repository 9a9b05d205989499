import { Secret } from '../ftp/secret.ts'
import type { Checks } from './checks.ts'
import type { BackendProof, PartnerAuth } from './config.ts'
import { readNamed, readText, resolveFrom } from './files.ts'
import type { Problems } from './problems.ts'
import type { partnerSchema } from './schema.ts'
import { type Path, type Source, textAt } from './source.ts'
import type { Values } from './table.ts'

type PartnerValues = Values<typeof partnerSchema>

export interface AuthParts {
  readonly problems: Problems
  /** Whether there is a state directory, to remember things in. */
  readonly remembers: boolean
  readonly checks: Checks | undefined
  readonly env: NodeJS.ProcessEnv
  /** The text of a key's file; throws Error with the reason in plain words. */
  readonly readKey: (file: string) => Promise<string>
  /** What is wrong with a key; undefined for nothing. */
  readonly keyFault: (text: string, passphrase: string | undefined) => string | undefined
}

/** Partners often share a key: its file is read once, and it is looked at once, which takes long where it is encrypted. */
export function sharedReads(checks: Checks | undefined): Pick<AuthParts, 'readKey' | 'keyFault'> {
  const texts = new Map<string, Promise<string>>()
  const faults = new Map<string, string | undefined>()
  return {
    readKey(file) {
      const text = texts.get(file) ?? readText(file)
      texts.set(file, text)
      return text
    },
    keyFault(text, passphrase) {
      const id = `${passphrase ?? ''}\0${text}`
      if (!faults.has(id)) faults.set(id, checks?.privateKey(text, passphrase))
      return faults.get(id)
    },
  }
}

const onlyHeld: readonly Path[] = [
  ['auth', 'passwordHash'],
  ['auth', 'sftp', 'username'],
  ['auth', 'sftp', 'privateKey'],
  ['auth', 'sftp', 'passphrase'],
  ['auth', 'sftp', 'password'],
  ['auth', 'sftp', 'agent'],
]

/** How clients prove themselves, and what the backend is entered with; undefined, and faults, where that cannot be. */
export async function checkAuth(
  auth: PartnerValues['auth'],
  source: Source,
  parts: AuthParts,
): Promise<PartnerAuth | undefined> {
  const { problems, checks } = parts
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
  if (mode === 'learn' && !parts.remembers)
    problems.add(source, ['auth', 'mode'], 'learn needs state.directory in the main file, where verifiers are kept')
  const fault = passwordHash === undefined ? undefined : checks?.passwordHash(passwordHash)
  if (mode !== 'certificate' && fault !== undefined) problems.add(source, hashed, fault)
  if (mode === 'certificate' && textAt(source, hashed) !== undefined) {
    problems.add(source, hashed, 'needs auth.mode: local; with certificate nobody is asked for a password')
  }
  const account = await checkAccount(auth, source, parts)
  if (account === undefined) return undefined
  if (mode === 'certificate') return { mode, ...account }
  if (mode === 'learn') return { mode, passwordHash, ...account }
  return passwordHash === undefined ? undefined : { mode, passwordHash, ...account }
}

/** The account that the gateway itself has on the backend. */
async function checkAccount(
  { mode, sftp }: PartnerValues['auth'],
  source: Source,
  { problems, env, readKey, keyFault }: AuthParts,
): Promise<{ readonly username: string; readonly proof: BackendProof } | undefined> {
  const { username, privateKey: keyFile, passphrase, password, agent } = sftp
  const missing = (path: Path, what: string): void =>
    problems.add(source, path, `is missing; mode ${mode} needs ${what}`)
  if (username === undefined) missing(['auth', 'sftp', 'username'], 'the user name on the backend')
  const key = ['auth', 'sftp', 'privateKey']
  checkAlone(sftp, source, problems)
  if (password !== undefined) {
    return username === undefined
      ? undefined
      : { username, proof: { kind: 'password', password: new Secret(password) } }
  }
  if (agent !== undefined) {
    const socket = agent === true ? env['SSH_AUTH_SOCK'] : resolveFrom(source, agent)
    const place = ['auth', 'sftp', 'agent']
    if (!socket) problems.add(source, place, 'is true, but there is no agent: SSH_AUTH_SOCK is not set')
    return username === undefined || !socket ? undefined : { username, proof: { kind: 'agent', socket } }
  }
  if (keyFile === undefined)
    missing(key, 'the file of the private key for the backend, or auth.sftp.password, or auth.sftp.agent')
  const privateKey = keyFile && (await readNamed(source, key, resolveFrom(source, keyFile), problems, readKey))
  if (username === undefined || privateKey === undefined || privateKey === '') return undefined
  const fault = keyFault(privateKey, passphrase)
  if (fault !== undefined) problems.add(source, key, fault)
  return { username, proof: { kind: 'privateKey', privateKey, passphrase } }
}

/** The backend is entered with one thing: a password, a key, or an agent. */
function checkAlone(sftp: PartnerValues['auth']['sftp'], source: Source, problems: Problems): void {
  const chosen = sftp.password !== undefined ? 'password' : sftp.agent !== undefined ? 'agent' : undefined
  if (chosen === undefined) return
  for (const other of ['privateKey', 'passphrase', 'agent'] as const) {
    if (sftp[other] === undefined || other === chosen) continue
    problems.add(source, ['auth', 'sftp', other], `and ${chosen} exclude each other; the backend is entered with one`)
  }
}

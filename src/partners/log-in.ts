import { BackendError, type FileSystem, type Preparation } from '../backend/backend.ts'
import type { PartnerConfig, PartnerLimits } from '../config/config.ts'
import { type ByteString, toText } from '../ftp/bytes.ts'
import type { CharsetName } from '../ftp/charset.ts'
import type { DialectChanges } from '../ftp/dialect.ts'
import { Secret } from '../ftp/secret.ts'
import type { OldSession } from '../legacy/old-server.ts'
import type { Admitted, Gate } from '../migration/gate.ts'
import type { Proof } from '../migration/texts.ts'
import { isNamed, type ShownCertificate } from './certificate-names.ts'
import { type Destination, destinationOf, firstAvailable } from './destination.ts'
import { type Caller, createDirectory, type Found, type Route } from './directory.ts'
import { createEntrance, type EntranceParts } from './entrance.ts'
import { readOnly } from './read-only.ts'
import { RefusalGuard } from './refusal-guard.ts'
import { logInAt, type Relaying } from './relayed.ts'
import { storedIn } from './stored-names.ts'
import { type Stay, Usage } from './usage.ts'
import { viewOf } from './view.ts'

export interface LogInParts extends EntranceParts {
  /** The backend of users who belong to no partner. */
  readonly defaultBackend: string
  /** The old servers of the phase `legacy`. */
  readonly relaying?: Relaying
  /** What names on a backend are written in, unless a partner says otherwise. */
  readonly backendCharset: CharsetName
  /** Of users who belong to no partner, each on its own. */
  readonly defaultLimits?: PartnerLimits
  /** Who is logged in already, under the configuration before this one too. */
  readonly usage?: Usage
  /** Who may come in now; undefined: everybody who has proved who they are. */
  readonly gate?: Gate
}

/** Name and password as the client sent them. */
export interface Attempt extends Caller {
  /** Undefined for a login by certificate alone. */
  readonly password: Secret | undefined
  /** What the client has shown, and is valid. */
  readonly certificate: ShownCertificate | undefined
  /** What `prepare` began for it. */
  readonly preparation: Preparation | undefined
}

export interface LoggedIn extends Route {
  readonly files: FileSystem
  /** The login at an old server, where it is relayed. */
  readonly old?: OldSession
  readonly dialect: DialectChanges
  readonly limits: Stay & { readonly idleMs: number | undefined; readonly rights: Rights | undefined }
  /** How far the partner's move is, and what the client is told of it. */
  readonly admitted?: Admitted
}

/** The commands that a login may use. */
export interface Rights {
  readonly readOnly: boolean
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/**
 * Throws RefusedLogin for who may not come in now; BackendError: `loginRefused` for what the client gave, `unavailable`
 * for what the operator has to see to.
 */
export type LogIn = (attempt: Attempt) => Promise<LoggedIn>

/**
 * Logs clients in to the backend of their partner. Keys are parsed once, here: it takes long for encrypted ones, and a
 * bad one should stop the start and not the first login. Throws an Error that names every partner whose key is bad.
 */
export function createLogIn(parts: LogInParts): {
  readonly logIn: LogIn
  /** Begins a login before its password is here; undefined where there is nothing to begin. */
  readonly prepare: (caller: Caller) => Preparation | undefined
  readonly routeOf: (caller: Caller) => Route
  /** Whether a caller needs no password with this certificate. */
  readonly certificateSuffices: (caller: Caller, certificate: ShownCertificate | undefined) => boolean
} {
  const {
    partners,
    defaultBackend,
    backendCharset,
    usage = new Usage(),
    defaultLimits,
    gate,
    relaying,
    learned,
  } = parts
  const directory = createDirectory(partners, defaultBackend)
  const entrance = createEntrance(parts)
  const oldGuard = new RefusalGuard()

  function certificateSuffices(caller: Caller, certificate: ShownCertificate | undefined): boolean {
    if (!isUserName(caller.username)) return false
    const found = directory.find(caller)
    const { partner, elsewhere } = found
    // The old server knows no certificates of ours.
    if (elsewhere !== undefined || destination(found).kind === 'legacy') return false
    return partner?.auth.mode === 'certificate' && isNamed(partner.certificates, certificate)
  }

  function destination({ partner, route }: Found): Destination {
    return destinationOf(partner, route.backend, gate?.phaseOf(partner), relaying?.usual)
  }

  // A partner's name has no blank in it.
  function enter({ username, address }: Attempt, { partner }: Found): Stay {
    const limits = partner ? partner.limits : defaultLimits
    return usage.enter(partner?.name ?? `user ${toText(username)}`, address, limits)
  }

  /** The old server alone says who comes in; what a login may use is counted here all the same. */
  async function relay(attempt: Attempt, found: Found, name: string): Promise<LoggedIn> {
    const { partner, route } = found
    const { username, password } = attempt
    const server = relaying?.oldServers.get(name)
    const relayed = () => logInAt(server, username, password, partner?.dialect ?? {})
    const inside = await oldGuard.run(`${name} ${username}`, relayed)
    if (partner?.auth.mode === 'learn' && password !== undefined)
      learned?.learn(partner.name, toText(username), inUtf8(password))
    try {
      const admitted = await gate?.admit(partner, toText(username), 'password')
      const limits = partner ? partner.limits : defaultLimits
      const used = { ...enter(attempt, found), idleMs: limits?.idleMs, rights: rightsOf(limits) }
      return { ...route, backend: name, ...inside, limits: used, ...(admitted && { admitted }) }
    } catch (error) {
      await inside.files.close()
      throw error
    }
  }

  /**
   * Lets a login in that has proved itself, if it is not turned away for the sake of its partner's move; what it may use is
   * counted from here on.
   */
  async function admit(
    attempt: Attempt,
    found: Found,
    goal: Extract<Destination, { kind: 'backends' }>,
    password: Secret | undefined,
  ) {
    const { username, preparation } = attempt
    const { partner } = found
    const user = toText(username)
    const pass = (proof: Proof) => gate?.admit(partner, user, proof)
    if (partner !== undefined && partner.auth.mode !== 'passthrough') {
      await entrance.prove(partner, user, password)
      const admitted = await pass(partner.auth.mode === 'certificate' ? 'certificate' : 'password')
      const stay = enter(attempt, found)
      const open = (name: string) => entrance.openHeld(name, partner, user)
      const opened = firstAvailable(goal.names, open)
      return { stay, admitted, open, ...(await opened.catch((error: unknown) => leaving(stay, error))) }
    }
    // Only the backend knows whether the password is right.
    const openWith = (name: string, begun: Preparation | undefined) =>
      entrance.openPassedThrough(name, partner, { user, password, preparation: begun })
    const opened = await firstAvailable(goal.names, (name, first) => openWith(name, first ? preparation : undefined))
    try {
      const admitted = await pass('password')
      return { stay: enter(attempt, found), admitted, open: (name: string) => openWith(name, undefined), ...opened }
    } catch (error) {
      await opened.files.close()
      throw error
    }
  }

  return {
    routeOf(caller) {
      const found = directory.find(caller)
      const goal = destination(found)
      return goal.kind === 'legacy' ? { ...found.route, backend: goal.name } : found.route
    },
    certificateSuffices,
    prepare(caller) {
      // Where the gateway holds the credentials, or wants a certificate, nothing is begun before the client has proved itself.
      const found = directory.find(caller)
      const { partner, elsewhere } = found
      const { auth, certificates = [] } = partner ?? {}
      const proofNeeded = (auth !== undefined && auth.mode !== 'passthrough') || certificates.length > 0
      if (!isUserName(caller.username) || proofNeeded || elsewhere !== undefined) return undefined
      const goal = destination(found)
      return goal.kind === 'backends' ? parts.backends.get(goal.names[0])?.prepare() : undefined
    },
    async logIn(attempt) {
      const { username, password, certificate } = attempt
      if (!isUserName(username)) {
        throw new BackendError('loginRefused', 'the user name is empty or has control characters')
      }
      const found = directory.find(attempt)
      const { partner, elsewhere, route } = found
      const goal = destination(found)
      const relayed = goal.kind === 'legacy' && elsewhere === undefined
      // Before the password, so that nobody without the certificate can try passwords out.
      if (partner && mustShow(partner, relayed) && !isNamed(partner.certificates, certificate)) {
        throw new BackendError('loginRefused', `no certificate of partner ${partner.name}`)
      }
      if (relayed) return relay(attempt, found, goal.name)
      const passwordInUtf8 = password && inUtf8(password)
      if (elsewhere !== undefined || goal.kind === 'legacy') {
        return entrance.refuse(elsewhere ?? 'relayed', found, passwordInUtf8)
      }
      const { files, backend, stay, admitted, open } = await admit(attempt, found, goal, passwordInUtf8)
      const { dialect = {} } = partner ?? {}
      const named = (stored: FileSystem) => storedIn(stored, dialect.names?.backendCharset ?? backendCharset)
      const limits = partner ? partner.limits : defaultLimits
      const inside = viewOf(partner, named(files), async (backend) => named(await open(backend)))
      return {
        ...route,
        backend,
        dialect,
        files: limits?.readOnly ? readOnly(inside) : inside,
        limits: { ...stay, idleMs: limits?.idleMs, rights: rightsOf(limits) },
        ...(admitted && { admitted }),
      }
    },
  }
}

/** NUL and its kind in a user name have opened doors elsewhere (CVE-2025-47812); no backend needs them. */
function isUserName(username: ByteString): boolean {
  return username !== '' && !/[\x00-\x1f\x7f]/.test(username)
}

/** SSH has user names and passwords in UTF-8 (RFC 4252 sections 5 and 8), whatever charset the client has. */
function inUtf8(password: Secret): Secret {
  return new Secret(toText(password.reveal()))
}

/** Where a certificate stands for the password, that is nothing to an old server, which wants the password itself. */
function mustShow({ auth, certificates }: PartnerConfig, relayed: boolean): boolean {
  return auth.mode === 'certificate' ? !relayed : certificates.length > 0
}

function leaving(stay: Stay, error: unknown): never {
  stay.leave()
  throw error
}

/** Undefined for all. */
function rightsOf(limits: PartnerLimits | undefined): Rights | undefined {
  if (limits === undefined) return undefined
  const { readOnly = false, commands } = limits
  return readOnly || commands.allow.length + commands.deny.length > 0 ? { readOnly, ...commands } : undefined
}

import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { BackendError, type Credentials } from '../../backend/backend.ts'
import { ByteBudget } from '../../backend/sftp/byte-budget.ts'
import { createHostKeyPolicy } from '../../backend/sftp/host-keys.ts'
import { parsePrivateKey } from '../../backend/sftp/private-key.ts'
import { probeHostKey } from '../../backend/sftp/probe.ts'
import type { SftpBackend } from '../../backend/sftp/sftp-backend.ts'
import { closeBackends, makeBackends } from '../../composition/backends.ts'
import { visitorMark } from '../../composition/gateway-mark.ts'
import type { BackendConfig, Config, PartnerConfig } from '../../config/config.ts'
import { fromText } from '../../ftp/bytes.ts'
import { credentialsOf } from '../../partners/held-credentials.ts'
import { adviceFor, verdictText } from '../test-text.ts'
import { type Finding, findingsOf, messageOf } from './finding.ts'

/** Clocks that differ by more confuse clients that compare times of files. */
const skewSecondsMax = 60

export interface BackendQuestions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** The partner whose account is used, besides those that backends name as `preflight`. */
  readonly partner: string | undefined
  readonly signal: AbortSignal
}

/** Whether each backend is there, is the right one, and does what uploads need, where there is an account to try. */
export async function backendFindings(config: Config, questions: BackendQuestions): Promise<readonly Finding[]> {
  const backends = await makeBackends(config, undefined, {
    budget: new ByteBudget(config.limits.bytesInFlight),
    gateway: visitorMark(),
    observer: () => {},
  })
  try {
    const all = config.backends.map(async (each) => {
      const sftp = backends.get(each.name)?.backend
      return sftp ? ofBackend(sftp, each, config, questions) : []
    })
    return (await Promise.all(all)).flat()
  } finally {
    await closeBackends(backends)
  }
}

async function ofBackend(
  sftp: SftpBackend,
  backend: BackendConfig,
  config: Config,
  questions: BackendQuestions,
): Promise<Finding[]> {
  const { ok, unavailable } = findingsOf(`backend ${backend.name}`)
  const where = `${backend.host} port ${backend.port}`
  try {
    await sftp.probe()
  } catch (error) {
    const todo = error instanceof BackendError ? adviceFor(error) : 'look at host and port'
    return [unavailable(`${where}: ${messageOf(error)}`, todo)]
  }
  const reached = ok(`${where} answers, with a host key that is pinned`)
  return [reached, ...(await keys(backend)), ...(await account(sftp, backend, config, questions))]
}

/** The one that is shown is right; what is pinned besides may be a key that is still to come. */
async function keys({ name, host, port, hostKeys, knownHosts, timeouts }: BackendConfig): Promise<Finding[]> {
  const { ok } = findingsOf(`backend ${name}`)
  const shown = await probeHostKey(host, port, timeouts.connectMs).catch(() => [])
  const knownHostsText = knownHosts === undefined ? undefined : await readFile(knownHosts, 'utf8')
  const { expected } = createHostKeyPolicy({ host, port, fingerprints: hostKeys, knownHostsText })
  const text = shown.map(({ type, fingerprint }) => {
    return `${type} ${fingerprint}${expected.includes(fingerprint) ? ' (pinned)' : ''}`
  })
  return text.length === 0 ? [] : [ok(`host keys: ${text.join(', ')}`)]
}

async function account(
  sftp: SftpBackend,
  { name, preflight }: BackendConfig,
  { partners }: Config,
  { now, partner: asked, signal }: BackendQuestions,
): Promise<Finding[]> {
  const { ok, warn, fail, unavailable } = findingsOf(`backend ${name}`)
  const partner = partners.find((one) => one.backend === name && [asked, preflight].includes(one.name))
  if (!partner || partner.auth.mode === 'passthrough') {
    const how = `ftps-gateway test ${name} --user NAME tries one out; or set backends[].preflight`
    return [ok(`uploads and clock not tried, as there is no account to use: ${how}`)]
  }
  const credentials = credentialsOf(partner.auth, parsePrivateKey)
  const directory = (home: string) => (partner.root === undefined ? home : fromText(partner.root))
  try {
    const report = await sftp.preflight(credentials, { directory, onEntered() {}, onStep() {}, signal })
    const without = report.steps.filter(({ state }) => state === 'missing' || state === 'failed')
    const said = `as partner ${partner.name}: ${verdictText(report)}`
    const todo = without.map(({ name: step, follows = '' }) => `${step}: ${follows}`).join('; ')
    const works = without.length === 0 ? ok(said) : report.outcome === 'works' ? warn(said, todo) : fail(said, todo)
    return [works, await clock(sftp, name, partner, credentials, now)]
  } catch (error) {
    const todo = error instanceof BackendError ? adviceFor(error) : 'look into its log'
    return [unavailable(`as partner ${partner.name}: ${messageOf(error)}`, todo)]
  }
}

/** A folder that is made now has the time of the server. */
async function clock(
  sftp: SftpBackend,
  name: string,
  { root }: PartnerConfig,
  credentials: Credentials,
  now: () => number,
): Promise<Finding> {
  const { ok, warn } = findingsOf(`backend ${name}`)
  const files = await sftp.open(credentials)
  try {
    const home = root === undefined ? files.home : fromText(root)
    const trial = `${home.replace(/\/$/, '')}/.ftps-gateway-test-clock-${randomBytes(4).toString('hex')}`
    const before = now()
    await files.makeDirectory(trial)
    const { modified } = await files.lstat(trial).finally(() => files.removeDirectory(trial))
    if (modified === undefined) return ok('its clock cannot be seen: it tells no times of files')
    // The truth lies between the two readings of our own clock, and the server's has whole seconds.
    const off = Math.max(0, Math.floor(before / 1000) - modified, modified - Math.ceil(now() / 1000))
    if (off <= skewSecondsMax) return ok(`its clock and that of this machine differ by ${off} s at most`)
    const ahead = modified * 1000 > before ? 'ahead of' : 'behind'
    return warn(
      `its clock is ${off} s ${ahead} that of this machine`,
      'set both by NTP: clients compare times of files',
    )
  } catch (error) {
    return warn(`its clock cannot be seen: ${messageOf(error)}`, 'the account may make no folders; look at its rights')
  } finally {
    await files.close()
  }
}

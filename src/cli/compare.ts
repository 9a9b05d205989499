import { once } from 'node:events'
import { ByteBudget } from '../backend/sftp/byte-budget.ts'
import { closeBackends, makeBackends } from '../composition/backends.ts'
import { visitorMark } from '../composition/gateway-mark.ts'
import { fromText, printable } from '../ftp/bytes.ts'
import { resolve } from '../ftp/pathname.ts'
import { type CompareOptions, compareSides, type Progress } from '../migration/compare.ts'
import { sftpSide } from '../migration/sftp-side.ts'
import type { Side } from '../migration/side.ts'
import { rooted } from '../partners/rooted.ts'
import { storedIn } from '../partners/stored-names.ts'
import { enterOld } from './compare-old.ts'
import { exit } from './exit.ts'
import { configFor, partnerNamed } from './state.ts'
import { accountOf } from './test-account.ts'
import { type Io, parseOptionsAndWord, UsageError, type Verb } from './verb.ts'

const progressMs = 1_000
/** As shells say of a program that Ctrl-C has ended. */
const interrupted = 130

export const compare: Verb = {
  name: 'compare',
  synopsis: 'PARTNER --config FILE [--old HOST[:PORT]] [--old-user NAME] [OPTIONS]',
  summary: "compare a partner's files on its old FTPS server with those on the SFTP server",
  details: `  PARTNER                  its name in the configuration
  --config FILE            the configuration, see config/gateway.yaml
  --old HOST[:PORT]        the old FTPS server (port 21, with --old-implicit 990), where it is not the one to which the partner
                           is relayed in the phase legacy
  --old-user NAME          the partner's user there (default: the first of match.users)
  --old-password-env NAME  the variable of the environment with its password
  --old-ca FILE            PEM of the authority, or of the very certificate, that the old server has
  --old-root DIR           the folder there that is the partner's / (default: where its login starts)
  --old-implicit           TLS from the first byte
  --user NAME              the user on the SFTP server, where the gateway does not hold what it logs in with
  --password-env NAME      and the variable with its password
  --path DIR               begin there (default: /)
  --hash                   read all files, and compare their SHA-256
  --ignore-times           files may have been modified at different times

Prints < for what only the old server has, > for what only the SFTP server has, ! for what differs, and ? for what cannot be
read. Times may differ by whole hours, and by a minute. Exit code 0: nothing differs; 1: something does; 130: Ctrl-C, and
what was printed is what was seen until then.

  ftps-gateway compare acme --config gateway.yaml --old-password-env OLD --hash
  ftps-gateway compare acme --config gateway.yaml --old ftp-old.internal --old-user acme --old-password-env OLD
`,
  async run(args, io) {
    const { word: name, options } = parseOptionsAndWord(args, {
      config: { type: 'string' },
      old: { type: 'string' },
      'old-user': { type: 'string' },
      'old-password-env': { type: 'string' },
      'old-ca': { type: 'string' },
      'old-root': { type: 'string' },
      'old-implicit': { type: 'boolean', default: false },
      user: { type: 'string' },
      'password-env': { type: 'string' },
      path: { type: 'string', default: '/' },
      hash: { type: 'boolean', default: false },
      'ignore-times': { type: 'boolean', default: false },
    })
    if (name === undefined) throw new UsageError('compare needs PARTNER')
    const config = await configFor('compare', options.config, io)
    const partner = partnerNamed(config, name)
    const path = resolve('/', fromText(options.path), '/')
    if (path === undefined) throw new UsageError('--path takes a path without line breaks')
    const { user, 'password-env': passwordEnv } = options
    const account = await accountOf(config, { partner: name, user, 'password-env': passwordEnv }, io)
    const backends = await makeBackends({ ...config, backends: [account.backend] }, undefined, {
      budget: new ByteBudget(config.limits.bytesInFlight),
      gateway: visitorMark(),
      observer: () => {},
    })
    const sides: Side[] = []
    try {
      sides.push(await enterOld(config, partner, options, io))
      const backend = backends.get(account.backend.name)?.backend
      if (!backend) throw new UsageError(`there is no backend "${account.backend.name}"`)
      const files = await backend.open(account.credentials)
      const charset = partner.dialect.names?.backendCharset ?? config.dialect.names.backendCharset
      sides.push(sftpSide(account.backend.name, rooted(storedIn(files, charset), fromText(partner.root ?? '/'))))
      return await printDifferences(sides, { path, hash: options.hash, times: !options['ignore-times'] }, io)
    } finally {
      for (const side of sides) await side.close()
      await closeBackends(backends)
    }
  },
}

const marks = { 'only-left': '<', 'only-right': '>', different: '!', unreadable: '?' } as const

/** The exit code; what is found is printed as it is found. */
export async function printDifferences(
  [left, right]: readonly Side[],
  what: Pick<CompareOptions, 'path' | 'hash' | 'times'>,
  { stdout, stderr, signals }: Io,
): Promise<number> {
  if (!left || !right) throw new Error('two sides are compared')
  const stop = new AbortController()
  const onInterrupt = () => stop.abort()
  signals.once('SIGINT', onInterrupt)
  const startedAt = performance.now()
  let latest: Progress = { entries: 0, bytes: 0, path: what.path }
  const tell = (word: string) => stderr.write(`${word} ${progressText(latest, performance.now() - startedAt)}\n`)
  const timer = setInterval(() => tell('...'), progressMs)
  let found = 0
  try {
    const progress = (now: Progress) => {
      latest = now
    }
    const differences = compareSides(left, right, { ...what, signal: stop.signal, progress })
    const stopped = once(stop.signal, 'abort').then(() => undefined)
    // A file can be large, and Ctrl-C is not to wait for its end.
    for (;;) {
      const next = await Promise.race([differences.next(), stopped])
      if (next === undefined || next.done) break
      const { kind, path, what: text } = next.value
      found++
      stdout.write(`${marks[kind]} ${printable(path)}: ${text}
`)
    }
  } finally {
    clearInterval(timer)
    signals.off('SIGINT', onInterrupt)
  }
  const count = `${found} difference${found === 1 ? '' : 's'}`
  if (stop.signal.aborted) tell(`stopped by Ctrl-C, ${count} so far:`)
  else stderr.write(`${count}: ${amountText(latest, performance.now() - startedAt)}\n`)
  if (stop.signal.aborted) return interrupted
  return found === 0 ? exit.ok : exit.failure
}

function progressText(progress: Progress, ms: number): string {
  return `${amountText(progress, ms)}, at ${printable(progress.path)}`
}

function amountText({ entries, bytes }: Progress, ms: number): string {
  const perSecond = Math.round(entries / Math.max(ms / 1000, 0.001))
  return `${entries} entries (${perSecond}/s), ${bytes} bytes read`
}

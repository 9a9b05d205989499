import { BackendError } from '../backend/backend.ts'
import { ByteBudget } from '../backend/sftp/byte-budget.ts'
import type { PreflightFacts, PreflightReport } from '../backend/sftp/preflight-report.ts'
import type { PreflightStep } from '../backend/sftp/preflight-step.ts'
import type { SftpBackend } from '../backend/sftp/sftp-backend.ts'
import { closeBackends, makeBackends } from '../composition/backends.ts'
import { visitorMark } from '../composition/gateway-mark.ts'
import { printable } from '../ftp/bytes.ts'
import { exit } from './exit.ts'
import { loadChecked } from './load-checked.ts'
import { type Account, accountOf, directoryOn, meantBy } from './test-account.ts'
import { adviceFor, capabilitiesText, factsText, stepText, verdictText } from './test-text.ts'
import { type Io, parseOptionsAndWord, UsageError, type Verb } from './verb.ts'

export const test: Verb = {
  name: 'test',
  synopsis: '--config FILE [PARTNER|BACKEND] [OPTIONS]',
  summary: 'try out whether uploads work on a backend, and say what it lacks',
  details: `  --config FILE        the configuration, see config/gateway.yaml
  PARTNER              a partner's account, with the key or password that the gateway holds for it
  BACKEND              any account of this backend (default: defaults.backend)
  --partner NAME       where a backend has the same name
  --backend NAME       where a partner has the same name
  --user NAME          any other account; its password comes from standard input
  --password-env NAME  from this variable of the environment instead
  --directory DIR      where to try it (default: where the login starts)
  --json               print one JSON object

Makes files whose names begin with .ftps-gateway-test, as an upload makes them, and removes them again. Exit code 0:
uploads work; 1: they do not; 69: the backend cannot be reached or entered.

  ftps-gateway test acme --config gateway.yaml
  ftps-gateway test --config gateway.yaml --user alice < password.txt
`,
  async run(args, io) {
    const { word, options } = parseOptionsAndWord(args, {
      config: { type: 'string' },
      partner: { type: 'string' },
      backend: { type: 'string' },
      user: { type: 'string' },
      'password-env': { type: 'string' },
      directory: { type: 'string' },
      json: { type: 'boolean', default: false },
    })
    if (options.config === undefined) throw new UsageError('test needs --config FILE')
    const config = await loadChecked(options.config, io.env)
    const account = await accountOf(config, { ...options, ...meantBy(word, config) }, io)
    const notes: string[] = []
    const backends = await makeBackends({ ...config, backends: [account.backend] }, undefined, {
      budget: new ByteBudget(config.limits.bytesInFlight),
      gateway: visitorMark(),
      observer: (event) => {
        if (event.kind === 'warning' && event.topic === 'known_hosts') notes.push(event.message)
      },
    })
    for (const note of notes) io.stderr.write(`ftps-gateway: ${note}\n`)
    try {
      const sftp = backends.get(account.backend.name)?.backend
      if (!sftp) throw new UsageError(`there is no backend "${account.backend.name}"`)
      return await tryOut(
        sftp,
        account,
        options.directory,
        options.json ? jsonTeller(account, io) : teller(account, io),
        io,
      )
    } finally {
      await closeBackends(backends)
    }
  },
}

interface Teller {
  onEntered(facts: PreflightFacts): void
  onStep(step: PreflightStep): void
  done(report: PreflightReport): void
  unavailable(error: BackendError): void
  /** Before the backend was entered. */
  interrupted(): void
}

async function tryOut(
  backend: SftpBackend,
  { partner, credentials }: Account,
  wanted: string | undefined,
  teller: Teller,
  { signals }: Io,
): Promise<number> {
  const interrupted = new AbortController()
  let entered = false
  // The files are removed before it ends; a second signal would not make that faster.
  const onSignal = () => {
    interrupted.abort()
    if (!entered) void backend.close()
  }
  for (const name of ['SIGINT', 'SIGTERM']) signals.on(name, onSignal)
  try {
    const report = await backend.preflight(credentials, {
      directory: (home) => directoryOn(home, partner?.root, wanted),
      onEntered(facts) {
        entered = true
        teller.onEntered(facts)
      },
      onStep: teller.onStep,
      signal: interrupted.signal,
    })
    teller.done(report)
    if (report.outcome === 'works') return exit.ok
    return report.outcome === 'lost' ? exit.unavailable : exit.failure
  } catch (error) {
    if (!(error instanceof BackendError)) throw error
    if (interrupted.signal.aborted && !entered) {
      teller.interrupted()
      return exit.failure
    }
    teller.unavailable(error)
    return exit.unavailable
  } finally {
    for (const name of ['SIGINT', 'SIGTERM']) signals.off(name, onSignal)
  }
}

/** A line for each step as it is done. */
function teller({ backend, partner, credentials }: Account, { stdout, stderr }: Io): Teller {
  const whose = partner ? ` of partner ${partner.name}` : ''
  const proof = { privateKey: 'with a key', agent: 'with an agent', password: 'with a password' }[credentials.kind]
  stdout.write(
    `backend ${backend.name} (${backend.host} port ${backend.port}), user ${credentials.username}${whose} ${proof}\n`,
  )
  return {
    onEntered: (facts) => void stdout.write(`${factsText(facts)}\n`),
    onStep: (step) => void stdout.write(stepText(step)),
    done(report) {
      stdout.write(`\n${capabilitiesText(report)}\n${verdictText(report)}\n`)
    },
    unavailable(error) {
      stderr.write(`ftps-gateway: backend ${backend.name}: ${printable(error.message)}. ${adviceFor(error)}.\n`)
    },
    interrupted: () => void stderr.write(`ftps-gateway: backend ${backend.name}: interrupted\n`),
  }
}

/** One object, at the end. */
function jsonTeller({ backend, partner, credentials }: Account, { stdout }: Io): Teller {
  const { name, host, port } = backend
  const who = { backend: name, host, port, ...(partner && { partner: partner.name }), user: credentials.username }
  const write = (facts: object) => void stdout.write(`${JSON.stringify({ ...who, ...facts })}\n`)
  return {
    onEntered() {},
    onStep() {},
    done: (report) => write({ ...report, verdict: verdictText(report) }),
    unavailable: (error) => write({ outcome: 'unavailable', reason: error.message, advice: adviceFor(error) }),
    interrupted: () => write({ outcome: 'interrupted' }),
  }
}

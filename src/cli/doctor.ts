import { stat } from 'node:fs/promises'
import type { Config } from '../config/config.ts'
import { sliceOf } from '../data/port-slice.ts'
import { backendFindings } from './doctor/backends.ts'
import { certificateFindings } from './doctor/certificates.ts'
import { type Finding, findingText } from './doctor/finding.ts'
import { machineFacts, machineFindings, passiveFindings } from './doctor/machine.ts'
import { portFindings } from './doctor/ports.ts'
import { probeFindings, type Target } from './doctor/probe.ts'
import { exit } from './exit.ts'
import { parseHost } from './host-key.ts'
import { loadChecked } from './load-checked.ts'
import { passwordOf } from './test-account.ts'
import { type Io, parseOptions, UsageError, type Verb } from './verb.ts'
import { sshCrypto } from './version.ts'

const patienceMs = 10_000

export const doctor: Verb = {
  name: 'doctor',
  synopsis: '--config FILE [OPTIONS] | --probe HOST:PORT [OPTIONS]',
  summary:
    'look for what keeps a gateway from working: ports, certificates, clocks, backends, limits, the way from outside',
  details: `  --config FILE        the configuration, see config/gateway.yaml
  --partner NAME       try out its backend with the account that the gateway holds for it
  --name HOST          the name that clients connect to: is a certificate for it?
  --from HOST          print what to run on HOST, to see the gateway from there
  --probe HOST:PORT    see a gateway from this machine: port, TLS, login, passive data connections
  --implicit           with --probe: TLS from the first byte, as on port 990
  --ports FIRST-LAST   with --probe: passive ports to knock at, where no account is given
  --user NAME          with --probe: log in and list; the password comes from standard input
  --password-env NAME  from this variable of the environment instead
  --json               print one JSON object

Each line is ok, warn or fail, with what to do next. Exit code 0: nothing fails; 1: something does; 69: a backend or port
is not there; 78: the configuration is faulty. Nothing is changed, except that a trial of a backend makes files whose names
begin with .ftps-gateway-test and removes them.
`,
  async run(args, io) {
    const options = parseOptions(args, {
      config: { type: 'string' },
      partner: { type: 'string' },
      name: { type: 'string' },
      from: { type: 'string' },
      probe: { type: 'string' },
      implicit: { type: 'boolean', default: false },
      ports: { type: 'string' },
      user: { type: 'string' },
      'password-env': { type: 'string' },
      json: { type: 'boolean', default: false },
    })
    if (options.probe !== undefined)
      return tell(await probeFindings(await targetOf(options.probe, options, io)), options, io)
    if (options.config === undefined) throw new UsageError('doctor needs --config FILE, or --probe HOST:PORT')
    const config = await loadChecked(options.config, io.env)
    if (options.partner !== undefined && !config.partners.some(({ name }) => name === options.partner))
      throw new UsageError(`there is no partner "${options.partner}"`)
    if (options.from !== undefined) return say(commandsFor(config, options.from, options.name), io)
    return tell(await everything(config, options, io), options, io)
  },
}

interface Options {
  readonly partner?: string | undefined
  readonly name?: string | undefined
  readonly implicit: boolean
  readonly ports?: string | undefined
  readonly user?: string | undefined
  readonly 'password-env'?: string | undefined
  readonly json: boolean
}

async function everything(config: Config, { partner, name }: Options, { signals }: Io): Promise<readonly Finding[]> {
  const interrupted = new AbortController()
  const onSignal = () => interrupted.abort()
  for (const signal of ['SIGINT', 'SIGTERM']) signals.on(signal, onSignal)
  const now = () => Date.now()
  try {
    const { mtime } = await stat(new URL('../../package.json', import.meta.url))
    const facts = await machineFacts(sshCrypto(), mtime, new Date())
    return [
      ...machineFindings(config, facts),
      ...(await portFindings(config)),
      ...(await passiveFindings(config, facts)),
      ...(await certificateFindings(config, { now: facts.now, name })),
      ...(await backendFindings(config, { now, partner, signal: interrupted.signal })),
    ]
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM']) signals.off(signal, onSignal)
  }
}

function tell(findings: readonly Finding[], { json }: Options, { stdout }: Io): number {
  if (json) stdout.write(`${JSON.stringify({ findings })}\n`)
  else {
    const count = (verdict: Finding['verdict']) => findings.filter((one) => one.verdict === verdict).length
    const sum = `${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail`
    stdout.write(`${findings.map(findingText).join('')}\n${sum}\n`)
  }
  if (findings.some(({ unavailable }) => unavailable)) return exit.unavailable
  return findings.some(({ verdict }) => verdict === 'fail') ? exit.failure : exit.ok
}

function say(text: string, { stdout }: Io): number {
  stdout.write(text)
  return exit.ok
}

/** What somebody runs elsewhere; the gateway's own address is not ours to know. */
function commandsFor({ listeners, passive, tls }: Config, from: string, name: string | undefined): string {
  const advertised = passive.advertise === 'auto' ? 'GATEWAY' : passive.advertise
  const host = name ?? advertised
  const { first, last } = sliceOf(passive.ports, passive.slice)
  const ports = first === 0 ? '' : ` --ports ${first}-${last}`
  const lines = listeners
    .filter((listener) => listener.tls !== 'off')
    .map(({ port, tls: kind }) => {
      return `  ftps-gateway doctor --probe ${host}:${port}${kind === 'implicit' ? ' --implicit' : ''}${ports}\n`
    })
  const trust = tls.certificates.length === 0 ? 'The certificate is self-made: it will not be trusted.\n' : ''
  const unknown = host === 'GATEWAY' ? 'GATEWAY is the name or address by which clients reach this machine.\n' : ''
  return `Run on ${from}:\n\n${lines.join('')}\nWith --user NAME it logs in and lists over passive data connections.\n${unknown}${trust}`
}

async function targetOf(probe: string, options: Options, io: Io): Promise<Target> {
  const { host, port } = parseHost(/:\d+$/.test(probe) ? probe : `${probe}:${options.implicit ? 990 : 21}`)
  const { implicit, user } = options
  const account = user === undefined ? undefined : { user, password: await passwordOf(options['password-env'], io) }
  if (/[\r\n]/.test(`${user}${account?.password}`)) throw new UsageError('user name and password have no line breaks')
  return { host, port, implicit, ports: rangeOf(options.ports), account, patienceMs }
}

function rangeOf(text: string | undefined): Target['ports'] {
  if (text === undefined) return undefined
  const [, first = 0, last = 0] = (/^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []).map(Number)
  if (first < 1 || last > 65535 || first > last) throw new UsageError(`--ports takes FIRST-LAST, not ${text}`)
  return { first, last }
}

import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isPrivate } from '../../data/addresses.ts'
import { type Finding, findingsOf, messageOf } from './finding.ts'
import { FtpLine, openTcp, openTls } from './ftp-line.ts'
import { addressesOf } from './resolve.ts'

export interface Target {
  readonly host: string
  readonly port: number
  /** TLS from the first byte, as on port 990. */
  readonly implicit: boolean
  /** Passive ports to knock at where there is no account. */
  readonly ports: { readonly first: number; readonly last: number } | undefined
  readonly account: { readonly user: string; readonly password: string } | undefined
  readonly patienceMs: number
}

const { ok, warn, fail, unavailable } = findingsOf('probe')

/** What a client on this machine meets at a gateway elsewhere, up to a listing over a passive data connection. */
export async function probeFindings(target: Target): Promise<readonly Finding[]> {
  const { host, port, patienceMs } = target
  const findings: Finding[] = []
  let line: FtpLine | undefined
  try {
    line = await FtpLine.connect(host, port, patienceMs)
    findings.push(ok(`${host} port ${port} answers`))
    for await (const finding of session(line, target)) findings.push(finding)
  } catch (error) {
    const todo = 'open the port in every firewall on the way (ftps-gateway ports), and see that the gateway runs'
    const where = line ? 'control connection' : `${host} port ${port}`
    findings.push(unavailable(`${where}: ${messageOf(error)}`, todo))
  } finally {
    line?.close()
  }
  return findings
}

async function* session(line: FtpLine, target: Target): AsyncGenerator<Finding> {
  const servername = isIP(target.host) === 0 ? target.host : undefined
  if (target.implicit) yield certificate(await line.secure(servername))
  const greeting = await line.ask()
  if (greeting.code !== 220) {
    yield fail(`greeted with ${greeting.code} ${greeting.text}`, 'the log of the gateway says why')
    return
  }
  yield ok(`greeted with 220 ${greeting.text}`)
  if (!target.implicit) {
    const auth = await line.ask('AUTH TLS')
    if (auth.code !== 234) {
      const todo = 'a firewall that reads FTP, or a listener without TLS: look at listeners[].tls'
      yield fail(`AUTH TLS is answered ${auth.code} ${auth.text}`, todo)
      return
    }
    yield certificate(await line.secure(servername))
  }
  if (target.account) yield* transfer(line, target, target.account)
  else yield* knock(target)
}

function certificate(socket: TLSSocket): Finding {
  const shown = socket.getPeerCertificate()
  const said = `${socket.getProtocol()}, certificate of ${shown.subject?.CN ?? 'nobody'} until ${shown.valid_to}`
  if (socket.authorized) return ok(`${said}, trusted`)
  const todo =
    'clients that check certificates refuse it: ftps-gateway doctor on the gateway says what is wrong with it'
  return warn(`${said}, not trusted by this machine: ${socket.authorizationError}`, todo)
}

/** Without an account: a port that nobody listens on is refused, and that answer came through the firewall. */
async function* knock({ host, ports, patienceMs }: Target): AsyncGenerator<Finding> {
  if (!ports) {
    yield ok('passive ports not tried: add --ports FIRST-LAST, or --user NAME for a listing')
    return
  }
  const { first, last } = ports
  const tried = [...new Set([first, Math.floor((first + last) / 2), last])]
  const dropped: number[] = []
  for (const port of tried) {
    const code = await openTcp(host, port, patienceMs).then(
      (socket) => void socket.destroy(),
      (error: NodeJS.ErrnoException) => error.code,
    )
    if (code !== undefined && code !== 'ECONNREFUSED') dropped.push(port)
  }
  const what = `passive ports ${tried.join(', ')}`
  if (dropped.length === 0) yield ok(`${what}: ${host} answers on each, so no firewall drops them`)
  else yield fail(`${what}: nothing comes back from ${dropped.join(', ')}`, openPorts(first, last))
}

function openPorts(first: number, last: number): string {
  return `open ${first}-${last} in every firewall on the way, and publish the same numbers where addresses are translated`
}

async function* transfer(
  line: FtpLine,
  target: Target,
  { user, password }: NonNullable<Target['account']>,
): AsyncGenerator<Finding> {
  const asked = await line.ask(`USER ${user}`)
  const login = asked.code === 331 ? await line.ask(`PASS ${password}`) : asked
  if (login.code !== 230) {
    yield fail(`the login is answered ${login.code} ${login.text}`, 'check user name and password; the log says more')
    return
  }
  for (const command of ['PBSZ 0', 'PROT P']) await line.ask(command)
  yield* passive(line, target)
  for (const command of ['EPSV', 'PASV']) {
    const { code, text } = await line.ask(command)
    const port = portIn(text)
    if ((code !== 229 && code !== 227) || port === undefined)
      yield fail(`${command} is answered ${code} ${text}`, 'look into the log')
    else yield await listing(line, target, command, port)
  }
}

/** The address in the answer to PASV is what many clients connect to. */
async function* passive(line: FtpLine, { host }: Target): AsyncGenerator<Finding> {
  if (line.socket.remoteFamily !== 'IPv4') return
  const { text } = await line.ask('PASV')
  const [, address = ''] = /(\d{1,3}(?:,\d{1,3}){3}),\d+,\d+/.exec(text) ?? []
  const told = address.replaceAll(',', '.')
  const known = [...(await addressesOf(host)), line.socket.remoteAddress]
  if (known.includes(told)) {
    yield ok(`PASV names ${told}, where the control connection goes too`)
    return
  }
  const kind = isPrivate(told) ? 'a private address' : 'another address'
  const todo = `set passive.advertise to ${known[0]}, or passive.advertiseFor for the clients of this network`
  yield fail(`PASV names ${told}, ${kind}, while the control connection goes to ${known.join(', ')}`, todo)
}

async function listing(line: FtpLine, target: Target, command: string, port: number): Promise<Finding> {
  const { host, patienceMs } = target
  try {
    const raw = await openTcp(line.socket.remoteAddress ?? host, port, patienceMs)
    const mark = await line.ask('NLST')
    const session = (line.socket as TLSSocket).getSession()
    if (mark.code !== 150) return fail(`${command}, NLST is answered ${mark.code} ${mark.text}`, 'look into the log')
    const name = isIP(host) === 0 ? host : undefined
    const data = await openTls(raw, name, patienceMs, session)
    data.resume().on('error', () => {})
    const { code, text } = await line.ask()
    data.destroy()
    if (code === 226) return ok(`${command}: a listing came over data port ${port}`)
    return fail(`${command}: the listing over data port ${port} ended with ${code} ${text}`, 'look into the log')
  } catch (error) {
    return fail(`${command}: data port ${port}: ${messageOf(error)}`, 'open the passive ports: ftps-gateway ports')
  }
}

function portIn(text: string): number | undefined {
  const extended = /\(\|\|\|(\d+)\|\)/.exec(text)?.[1]
  if (extended !== undefined) return Number(extended)
  const [, high, low] = /(\d+),(\d+)\)?[^\d]*$/.exec(text) ?? []
  return low === undefined ? undefined : Number(high) * 256 + Number(low)
}

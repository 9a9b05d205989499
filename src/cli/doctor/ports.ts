import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Config, ListenerConfig } from '../../config/config.ts'
import { formatAddress } from '../../data/addresses.ts'
import { sliceOf } from '../../data/port-slice.ts'
import { type Finding, findingsOf } from './finding.ts'

const { ok, warn, fail, unavailable } = findingsOf('ports')
const patienceMs = 3_000

/** Whether the gateway could open its ports, or whether a gateway has them already. */
export async function portFindings(config: Config): Promise<readonly Finding[]> {
  const listeners = await Promise.all(config.listeners.map(listenerFinding))
  return [...listeners, ...(await adminFinding(config)), await passiveFinding(config)]
}

async function listenerFinding(listener: ListenerConfig): Promise<Finding> {
  const { name, address, port } = listener
  const what = `listener ${name}, ${formatAddress(address, port)}`
  const problem = await whyNot(address, port)
  if (problem !== 'EADDRINUSE') return judged(what, problem)
  const greeting = await greetingOf(listener)
  if (greeting?.startsWith('220'))
    return ok(`${what}: held by a running FTP server ("${greeting}"), a gateway it seems`)
  const todo = 'find out which one it is (ss -ltnp) and stop it, or choose another port'
  return unavailable(`${what}: held by another program`, todo)
}

async function adminFinding({ admin }: Config): Promise<readonly Finding[]> {
  if (!admin) return []
  const what = `admin, ${formatAddress(admin.address, admin.port)}`
  const problem = await whyNot(admin.address, admin.port)
  if (problem !== 'EADDRINUSE') return [judged(what, problem)]
  const url = `http://${formatAddress(reachable(admin.address), admin.port)}/metrics`
  const answer = await fetch(url, { signal: AbortSignal.timeout(patienceMs) }).then(
    (response) => response.text(),
    () => '',
  )
  if (answer.includes('ftps_gateway_')) return [ok(`${what}: held by a running gateway`)]
  const todo = 'find out which one it is (ss -ltnp) and stop it, or choose another admin.port'
  return [unavailable(`${what}: held by another program`, todo)]
}

function judged(what: string, problem: string | undefined): Finding {
  if (problem === undefined) return ok(`${what}: free`)
  if (problem === 'EACCES') {
    const todo = 'give the process CAP_NET_BIND_SERVICE (the systemd unit does), or choose a port from 1024'
    return fail(`${what}: this user may not open it`, todo)
  }
  if (problem === 'EADDRNOTAVAIL') return fail(`${what}: not an address of this machine`, 'choose another address')
  return fail(`${what}: cannot be opened (${problem})`, 'look at address and port')
}

/** Ports of running data connections are held by the gateway itself; a few are no news. */
async function passiveFinding({ passive, listeners }: Config): Promise<Finding> {
  const { first, last } = sliceOf(passive.ports, passive.slice)
  if (first === 0) {
    const todo = 'set passive.ports to a range and open it in the firewall: ftps-gateway ports'
    return warn('passive ports: left to the system, so that no firewall can know them', todo)
  }
  const address = listeners[0]?.address ?? '::'
  const taken: number[] = []
  for (let port = first; port <= last; port++) if ((await whyNot(address, port)) === 'EADDRINUSE') taken.push(port)
  const what = `passive ports ${first}-${last}`
  if (taken.length === 0) return ok(`${what}: all ${last - first + 1} free`)
  const some = `${taken.slice(0, 5).join(', ')}${taken.length > 5 ? ' …' : ''}`
  const todo = `a few are no harm: transfers, or connections from this machine, which sysctl net.ipv4.ip_local_reserved_ports=${first}-${last} keeps out`
  return warn(`${what}: ${taken.length} of ${last - first + 1} are held (${some})`, todo)
}

/** The code of the system's error, or undefined when the port can be listened on. */
async function whyNot(host: string, port: number): Promise<string | undefined> {
  const server = createServer()
  try {
    server.listen({ host, port })
    await once(server, 'listening')
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error'
  } finally {
    await new Promise((closed) => server.close(closed))
  }
}

/** The first line that a server on our own machine says. */
async function greetingOf({ address, port, tls }: ListenerConfig): Promise<string | undefined> {
  const where = { host: reachable(address), port }
  // Nothing is sent, and what is said is only shown: whose certificate it is makes no difference.
  const socket = tls === 'implicit' ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where)
  socket.setTimeout(patienceMs, () => socket.destroy()).setEncoding('latin1')
  let text = ''
  try {
    for await (const chunk of socket) {
      text += chunk
      if (text.includes('\n')) break
    }
  } catch {
    // No FTP server, then.
  }
  socket.destroy()
  return text.split(/\r?\n/, 1)[0]?.replace(/[^ -~]/g, '?')
}

/** Where a server on all addresses is found on this machine. */
function reachable(address: string): string {
  return { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address
}

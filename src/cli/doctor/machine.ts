import { readFile } from 'node:fs/promises'
import { networkInterfaces, totalmem } from 'node:os'
import type { Config } from '../../config/config.ts'
import { isPrivate } from '../../data/addresses.ts'
import { type Finding, findingsOf } from './finding.ts'
import { addressesOf } from './resolve.ts'

const mebibyte = 1024 * 1024
/** An allowance for Node, its code and what sessions need besides the bytes on their way. */
const baseBytes = 256 * mebibyte
/** A session's control connection, its data connection and listener, its SSH connection. */
const filesPerSession = 4
const filesBesides = 100

export interface MachineFacts {
  /** What the process may have open, and the memory of the machine or the container. */
  readonly filesMax: number
  readonly memoryBytes: number
  readonly nodeVersion: string
  readonly sshCrypto: 'native' | 'js'
  readonly now: Date
  /** When this version was made: the clock cannot be before it. */
  readonly madeAt: Date
  readonly addresses: readonly string[]
}

/** What of the machine can be asked for. */
export async function machineFacts(sshCrypto: 'native' | 'js', madeAt: Date, now: Date): Promise<MachineFacts> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  // The hard limit counts: Node raises its own to that.
  const [, hard = 'unlimited'] = /^Max open files +\S+ +(\S+)/m.exec(limits) ?? []
  const filesMax = hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)
  const container = process.constrainedMemory()
  const memoryBytes = container > 0 && container < totalmem() ? container : totalmem()
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
  return {
    filesMax,
    memoryBytes,
    nodeVersion: process.versions.node,
    sshCrypto,
    now,
    madeAt,
    addresses: [...new Set(addresses)],
  }
}

export function machineFindings({ limits }: Config, facts: MachineFacts): readonly Finding[] {
  return [files(limits, facts), memory(limits, facts), node(facts), crypto(facts), clock(facts)]
}

function files({ sessions }: Config['limits'], { filesMax }: MachineFacts): Finding {
  const { ok, warn } = findingsOf('file limit')
  const needed = sessions * filesPerSession + filesBesides
  if (filesMax >= needed) return ok(`${filesMax} open files, ${needed} are enough for limits.sessions ${sessions}`)
  const todo = `raise it to ${needed} (LimitNOFILE= in the unit, ulimit -n in a shell), or lower limits.sessions`
  return warn(`${filesMax} open files; ${sessions} sessions may need ${needed}`, todo)
}

function memory({ bytesInFlight }: Config['limits'], { memoryBytes }: MachineFacts): Finding {
  const { ok, warn } = findingsOf('memory')
  const needed = bytesInFlight + baseBytes
  const [has, needs] = [memoryBytes, needed].map((bytes) => `${Math.floor(bytes / mebibyte)} MiB`)
  if (memoryBytes >= needed) return ok(`${has}; the gateway may need ${needs} with limits.bytesInFlight`)
  return warn(`${has}, and the gateway may need ${needs}`, 'lower limits.bytesInFlight, or give it more memory')
}

function node({ nodeVersion }: MachineFacts): Finding {
  const { ok, warn } = findingsOf('node')
  const major = Number(nodeVersion.split('.', 1)[0])
  if (major >= 22 && major % 2 === 0) return ok(`version ${nodeVersion}`)
  return warn(`version ${nodeVersion} gets no security fixes`, 'use 22, 24 or 26')
}

function crypto({ sshCrypto }: MachineFacts): Finding {
  const { ok, warn } = findingsOf('ssh')
  if (sshCrypto === 'native') return ok('native cryptography')
  const todo = 'install a compiler and run npm rebuild ssh2 (npm 12 also wants allowScripts, which package.json has)'
  return warn('cryptography in JavaScript: everything works, slower', todo)
}

function clock({ now, madeAt }: MachineFacts): Finding {
  const { ok, fail } = findingsOf('clock')
  const text = now.toISOString().slice(0, 19)
  if (now >= madeAt) return ok(`${text} UTC`)
  const todo = 'set it, by NTP: certificates, logs and times of files depend on it'
  return fail(`${text} UTC is before this version was made (${madeAt.toISOString().slice(0, 10)})`, todo)
}

/** What PASV will tell clients from outside. */
export async function passiveFindings(
  { passive, listeners }: Config,
  facts: MachineFacts,
): Promise<readonly Finding[]> {
  const { ok, warn, fail } = findingsOf('passive address')
  const { advertise } = passive
  const todo =
    'set passive.advertise to the address that clients connect to, and try it: ftps-gateway doctor --from HOST'
  if (advertise === 'auto') {
    const usable = listeners.flatMap(({ address }) =>
      ['::', '0.0.0.0'].includes(address) ? facts.addresses : [address],
    )
    const open = usable.filter((address) => !isPrivate(address))
    if (open.length > 0)
      return [ok(`the address that the client connected to; ${open.join(', ')} are reached from everywhere`)]
    return [warn('the address that the client connected to, and all of this machine are private ones', todo)]
  }
  const addresses = await addressesOf(advertise)
  if (addresses.length === 0)
    return [fail(`${advertise} has no IPv4 address`, 'look at the name server, or write the address')]
  const closed = addresses.filter(isPrivate)
  const said = addresses.join() === advertise ? advertise : `${advertise}, which is ${addresses.join(', ')}`
  return [closed.length === 0 ? ok(said) : warn(`${said}: a private address, of no use to clients from outside`, todo)]
}

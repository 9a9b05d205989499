import { program } from './packages.ts'
import { runOk } from './run.ts'

/** Which packets of the loopback device: by the port they are for, or come from. */
export interface Packets {
  readonly to?: number | string
  readonly from?: number | string
  /** A packet is taken with this probability; each when it is left out. */
  readonly probability?: number
}

/** What a test does to packets of this machine. */
export interface PacketRules {
  /** Packets vanish from now on. Ports are numbers, or ranges as iptables writes them (`50000:50099`). */
  drop(...packets: readonly Packets[]): Promise<void>
  /** Packets that have vanished by these rules. */
  hits(): Promise<number>
  /** Takes back what was added; may be called when nothing was. */
  clear(): Promise<void>
}

/**
 * Rules with a comment of this process, so that those of others stay, and so do ours from being left: what a run that was
 * killed has left is taken away by the next. Needs root and CAP_NET_ADMIN; throws what iptables says.
 */
export async function packetRules(): Promise<PacketRules> {
  await clear(isAbandoned)
  return {
    async drop(...packets) {
      for (const each of packets) await iptables('-I', 'INPUT', '-i', 'lo', '-p', 'tcp', ...matches(each), '-j', 'DROP')
    },
    async hits() {
      const lines = (await iptables('-L', 'INPUT', '-vnx')).split('\n')
      const ours = lines.filter((line) => line.includes(`${prefix}${process.pid} `))
      return ours.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[0]), 0)
    },
    clear: () => clear((pid) => pid === process.pid),
  }
}

const prefix = 'ftps-gateway-test-'

function matches({ to, from, probability }: Packets): string[] {
  return [
    ...(to === undefined ? [] : ['--dport', String(to)]),
    ...(from === undefined ? [] : ['--sport', String(from)]),
    ...(probability === undefined ? [] : ['-m', 'statistic', '--mode', 'random', '--probability', String(probability)]),
    ...['-m', 'comment', '--comment', `${prefix}${process.pid}`],
  ]
}

async function clear(isOurs: (pid: number) => boolean): Promise<void> {
  const rules = (await iptables('-S', 'INPUT')).split('\n')
  for (const rule of rules) {
    const pid = Number(new RegExp(`${prefix}(\\d+)`).exec(rule)?.[1])
    if (!isOurs(pid)) continue
    const [, ...words] = rule.replaceAll('"', '').split(' ')
    await iptables('-D', ...words)
  }
}

function isAbandoned(pid: number): boolean {
  if (Number.isNaN(pid)) return false
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

/** Waits for whoever else is changing the rules of this machine. */
async function iptables(...args: readonly string[]): Promise<string> {
  return (await runOk(program('iptables'), ['-w', '30', ...args])).toString()
}

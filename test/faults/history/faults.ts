import { processTree, signal } from '../../support/processes.ts'
import type { Sshd } from '../../support/sshd.ts'
import type { BackendLine } from './backend-line.ts'
import type { GatewayProcess } from './gateway-process.ts'

export interface Targets {
  readonly sshd: Sshd
  readonly line: BackendLine
  readonly gateway: GatewayProcess
}

/** One thing that goes wrong, and is well again when it resolves. */
interface Fault {
  readonly name: string
  /** How often, compared with the others. */
  readonly weight: number
  run(targets: Targets, random: () => number): Promise<void>
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

export const faults: readonly Fault[] = [
  {
    name: 'every connection to the backend is reset',
    weight: 4,
    run: async ({ line }) => line.cut(),
  },
  {
    name: 'a process of the backend is killed',
    weight: 4,
    async run({ sshd }, random) {
      const victim = sessionProcess(sshd, random)
      if (victim !== undefined) signal(victim, 'SIGKILL')
    },
  },
  {
    name: 'a process of the backend stands still',
    weight: 2,
    async run({ sshd }, random) {
      const victim = sessionProcess(sshd, random)
      if (victim === undefined) return
      signal(victim, 'SIGSTOP')
      await pause(500 + random() * 2000)
      signal(victim, 'SIGCONT')
    },
  },
  {
    name: 'nothing passes to the backend',
    weight: 2,
    async run({ line }, random) {
      line.freeze(true)
      await pause(200 + random() * 2000)
      line.freeze(false)
    },
  },
  {
    name: 'the backend is down',
    weight: 1,
    async run({ line }, random) {
      line.open(false)
      line.cut()
      await pause(500 + random() * 2000)
      line.open(true)
    },
  },
  { name: 'the gateway is killed', weight: 1, run: ({ gateway }) => gateway.kill() },
  { name: 'the gateway is restarted', weight: 1, run: ({ gateway }) => gateway.restart() },
]

/** Below sshd itself there are only processes of sessions. */
function sessionProcess(sshd: Sshd, random: () => number): number | undefined {
  const processes = processTree(sshd.pid).slice(1)
  return processes[Math.floor(random() * processes.length)]
}

export function pickFault(random: () => number): Fault {
  let left = random() * faults.reduce((sum, { weight }) => sum + weight, 0)
  for (const fault of faults) {
    left -= fault.weight
    if (left < 0) return fault
  }
  throw new Error('the weights do not add up')
}

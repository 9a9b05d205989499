import { readdirSync, readFileSync } from 'node:fs'

interface ProcessStat {
  readonly pid: number
  readonly parent: number
  readonly state: string
  /** User plus system time, in clock ticks of 10 ms. */
  readonly cpuTicks: number
  /** Clock ticks since boot; with the id it names one process for good, although ids are used again. */
  readonly started: number
}

/** One process as /proc/PID/stat shows it; undefined when it is gone. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in parentheses, which may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const field = (n: number) => fields[n - 3] ?? ''
    return {
      pid,
      state: field(3),
      parent: Number(field(4)),
      cpuTicks: Number(field(14)) + Number(field(15)),
      started: Number(field(22)),
    }
  } catch {
    return undefined
  }
}

/** CPU seconds that a process has used, without its children. */
export function cpuSeconds(pid: number): number {
  return (processStat(pid)?.cpuTicks ?? 0) / 100
}

/** A process and all its descendants, parents first; empty when it is gone. */
export function processTree(pid: number): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processStat(Number(name)))
    .filter((stat) => stat !== undefined)
  const tree = all.filter((stat) => stat.pid === pid).map((stat) => stat.pid)
  for (const parent of tree) tree.push(...all.filter((stat) => stat.parent === parent).map((stat) => stat.pid))
  return tree
}

/** Sends a signal; a process that is already gone is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

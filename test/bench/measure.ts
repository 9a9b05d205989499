import { readFileSync, writeFileSync } from 'node:fs'
import { cpuSeconds } from '../support/processes.ts'
import type { BenchPlace } from './bench-place.ts'
import type { BenchOptions, Contender, Row } from './row.ts'

/** One contender's runs. */
export interface Result {
  readonly row: string
  readonly contender: string
  readonly unit: Row['unit']
  readonly seconds: readonly number[]
  readonly medianSeconds: number
  /** Of the median run, in `unit`. */
  readonly value: number
  /** Speed compared with the row's first contender. */
  readonly ratio: number
  /** Rows that are counted in MiB only. */
  readonly gatewayCpuSecondsPerGib?: number
  /** How far the gateway's memory rose above its level before a run: median, and the worst of all runs. */
  readonly gatewayGrowthMib?: number
  readonly gatewayGrowthWorstMib?: number
}

interface Run {
  readonly seconds: number
  readonly gateway?: { readonly cpuSeconds: number; readonly growthMib: number }
}

/** The contenders take turns, so that a slow minute of the machine hits all of them. */
export async function measureRow(row: Row, place: BenchPlace, options: BenchOptions): Promise<Result[]> {
  const contenders = await present(row, place)
  const amount = row.amount(options)
  const turn = async () => {
    const runs: Run[] = []
    for (const contender of contenders) runs.push(await measure(contender, place, amount))
    return runs
  }
  // The first round warms caches and compilers up and does not count, but for the memory that it took.
  const warmUp = row.warmUp === false ? [] : await turn()
  const turns: Run[][] = []
  for (let count = row.runs?.(options.runs) ?? options.runs; count > 0; count--) turns.push(await turn())
  const column = (i: number) => turns.map((runs) => runs[i]).filter((run) => run !== undefined)
  const yardstick = median(column(0).map(({ seconds }) => seconds))
  return contenders.map((contender, i) => summary(row, contender, amount, column(i), warmUp[i], yardstick))
}

async function present(row: Row, place: BenchPlace): Promise<Contender[]> {
  const found: Contender[] = []
  for (const contender of row.contenders) {
    const reason = await contender.missing?.(place)
    if (reason === undefined) found.push(contender)
    else console.log(`${row.name}: ${contender.name} is left out: ${reason}`)
  }
  return found
}

async function measure(contender: Contender, place: BenchPlace, amount: number): Promise<Run> {
  const attempt = await contender.prepare(place, amount)
  const pid = (await contender.gateway?.(place))?.pid
  const before = pid === undefined ? undefined : { cpu: cpuSeconds(pid), rss: restartPeak(pid) }
  const startedAt = performance.now()
  await attempt.go()
  const seconds = (performance.now() - startedAt) / 1000
  const gateway =
    pid === undefined || before === undefined
      ? undefined
      : { cpuSeconds: cpuSeconds(pid) - before.cpu, growthMib: memoryMib(pid, 'VmHWM') - before.rss }
  await attempt.check()
  return { seconds, ...(gateway && { gateway }) }
}

function summary(
  row: Row,
  contender: Contender,
  amount: number,
  runs: readonly Run[],
  warmUp: Run | undefined,
  yardstick: number,
): Result {
  const seconds = runs.map((run) => run.seconds)
  const medianSeconds = median(seconds)
  const cpu = median(runs.map((run) => run.gateway?.cpuSeconds ?? Number.NaN))
  const growth = [warmUp, ...runs].map((run) => run?.gateway?.growthMib).filter((mib) => mib !== undefined)
  return {
    row: row.name,
    contender: contender.name,
    unit: row.unit,
    seconds,
    medianSeconds,
    value: row.unit === 'ms' ? medianSeconds * 1000 : amount / medianSeconds,
    ratio: yardstick / medianSeconds,
    ...(contender.gateway && row.unit === 'MiB/s' && { gatewayCpuSecondsPerGib: (cpu * 1024) / amount }),
    ...(growth.length > 0 && { gatewayGrowthMib: median(growth), gatewayGrowthWorstMib: Math.max(...growth) }),
  }
}

/** Makes the kernel forget the process's peak, and tells what it uses now. */
function restartPeak(pid: number): number {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return memoryMib(pid, 'VmRSS')
}

function memoryMib(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

import { rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { parseArgs } from 'node:util'
import { sha256 } from '../support/fixtures.ts'
import { clearGround, prepareGround } from '../support/ground.ts'
import { cpuSeconds } from '../support/processes.ts'
import { type BenchPlace, makeBenchFolder, startBenchPlace } from './bench-place.ts'
import { type Contender, type Row, rows } from './rows.ts'

/** One contender's runs. */
interface Result {
  readonly row: string
  readonly contender: string
  readonly seconds: readonly number[]
  /** Of the median run. */
  readonly mibPerSecond: number
  /** Speed compared with the row's first contender. */
  readonly ratio: number
  readonly target?: number
  readonly gatewayCpuSecondsPerGib?: number
}

interface Run {
  readonly seconds: number
  readonly gatewayCpuSeconds: number
}

const mib = 1024 * 1024
const resultFile = 'bench-results.json'

/** Runs every row and prints one table; `--size` in MiB, `--runs` per contender. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { size: { type: 'string', default: '512' }, runs: { type: 'string', default: '5' } },
  })
  const [sizeMib, runs] = [positive(values.size, '--size'), positive(values.runs, '--runs')]
  const ground = await prepareGround()
  // The file to send, the one to fetch, what is stored and what was fetched.
  const folder = makeBenchFolder(ground, 4 * sizeMib * mib)
  try {
    const [load = 0] = loadavg()
    console.log(`${sizeMib} MiB, median of ${runs} runs, files in ${folder}`)
    // Ratios of programs that wait for a core say little: the gateway's path has one process more than sftp's.
    console.log(`Load average before the start: ${load.toFixed(2)} on ${cpus().length} cores.`)
    const place = await startBenchPlace(ground, folder, sizeMib * mib)
    const results: Result[] = []
    for (const row of rows) results.push(...(await measureRow(row, place, sizeMib, runs)))
    await place.stop()
    print(results)
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, load, kernel: release(), node: process.version }
    writeFileSync(resultFile, `${JSON.stringify({ sizeMib, runs, machine, results }, undefined, 2)}\n`)
    console.log(`Written to ${resultFile}.`)
  } finally {
    rmSync(folder, { recursive: true })
    await clearGround(ground)
  }
}

/** The contenders take turns, so that a slow minute of the machine hits all of them. */
async function measureRow(row: Row, place: BenchPlace, sizeMib: number, count: number): Promise<Result[]> {
  const runs = new Map<Contender, Run[]>(row.contenders.map((contender) => [contender, []]))
  // The first round warms caches and compilers up and does not count.
  for (const contender of row.contenders) await measure(contender, place)
  for (let i = 0; i < count; i++) {
    for (const [contender, list] of runs) list.push(await measure(contender, place))
  }
  const speed = (contender: Contender) => sizeMib / median((runs.get(contender) ?? []).map(({ seconds }) => seconds))
  return row.contenders.map((contender) => {
    const list = runs.get(contender) ?? []
    const cpu = median(list.map((run) => run.gatewayCpuSeconds)) / (sizeMib / 1024)
    return {
      row: row.name,
      contender: contender.name,
      seconds: list.map(({ seconds }) => seconds),
      mibPerSecond: speed(contender),
      ratio: speed(contender) / speed(row.contenders[0]),
      ...(contender.target !== undefined && { target: contender.target }),
      ...(contender.throughGateway && { gatewayCpuSecondsPerGib: cpu }),
    }
  })
}

async function measure(contender: Contender, place: BenchPlace): Promise<Run> {
  const cpuBefore = cpuSeconds(place.gatewayPid)
  const startedAt = performance.now()
  const arrived = await contender.move(place)
  const seconds = (performance.now() - startedAt) / 1000
  const gatewayCpuSeconds = cpuSeconds(place.gatewayPid) - cpuBefore
  if ((await sha256(arrived)) !== place.fixture.sha256) throw new Error(`${contender.name}: the file is not the same`)
  return { seconds, gatewayCpuSeconds }
}

function print(results: readonly Result[]): void {
  const table = results.map((result) => [
    result.row,
    result.contender,
    result.mibPerSecond.toFixed(0),
    result.ratio.toFixed(2),
    result.target === undefined ? '' : `>= ${result.target} ${result.ratio >= result.target ? 'met' : 'NOT MET'}`,
    result.gatewayCpuSecondsPerGib?.toFixed(2) ?? '',
  ])
  const head = ['', '', 'MiB/s', 'ratio', 'target', 'gateway CPU s/GiB']
  const lines = [head, ...table]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  for (const line of lines) {
    const cells = line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
    console.log(cells.join('  ').trimEnd())
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

function positive(text: string, option: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${option} wants a whole number from 1, not ${text}`)
  return value
}

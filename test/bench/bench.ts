import { rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { parseArgs } from 'node:util'
import { clearGround, prepareGround } from '../support/ground.ts'
import { type BenchPlace, makeBenchFolder, startBenchPlace } from './bench-place.ts'
import { measureRow, type Result } from './measure.ts'
import type { BenchOptions, Row } from './row.ts'
import { rowsNamed } from './rows.ts'
import { printResults, printVerdicts } from './table.ts'
import { judge, type Verdict } from './targets.ts'

interface Report {
  readonly results: Result[]
  readonly verdicts: Verdict[]
  /** Rows that could not be measured, and why. */
  readonly failures: string[]
}

const mib = 1024 * 1024
const resultFile = 'bench-results.json'

/** Runs the rows and prints tables; see main.mjs for the options. */
export async function main(args: string[]): Promise<void> {
  const { rows, options } = parse(args)
  const ground = await prepareGround()
  // The large file to send, the one to fetch, what is stored and what was fetched; the smaller ones of some rows.
  const folder = makeBenchFolder(ground, 8 * options.size * mib)
  const clear = async () => {
    rmSync(folder, { recursive: true, force: true })
    await clearGround(ground)
  }
  // Whoever loses patience leaves no servers and no mount behind.
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => void clear().finally(() => process.exit(1)))
  try {
    const [load = 0] = loadavg()
    console.log(`Files of ${options.size} MiB, median of ${options.runs} runs, files in ${folder}`)
    // Ratios of programs that wait for a core say little: the gateway's path has one process more than sftp's.
    console.log(`Load average before the start: ${load.toFixed(2)} on ${cpus().length} cores.`)
    const place = await startBenchPlace(ground, folder)
    const report = await measureAll(rows, place, options).finally(() => place.stop())
    print(report)
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, load, kernel: release(), node: process.version }
    const date = new Date().toISOString()
    writeFileSync(resultFile, `${JSON.stringify({ date, options, machine, ...report }, undefined, 2)}\n`)
    console.log(`Written to ${resultFile}.`)
    if (report.failures.length > 0) process.exitCode = 1
  } finally {
    await clear()
  }
}

/** A row that fails does not cost the others, which may have taken an hour. */
async function measureAll(rows: readonly Row[], place: BenchPlace, options: BenchOptions): Promise<Report> {
  const report: Report = { results: [], verdicts: [], failures: [] }
  for (const row of rows) {
    console.log(`${row.name}: ${row.title}`)
    try {
      const results = await measureRow(row, place, options)
      report.results.push(...results)
      report.verdicts.push(...judge(row, results))
    } catch (error) {
      report.failures.push(`${row.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return report
}

function print({ results, verdicts, failures }: Report): void {
  console.log('')
  printResults(results)
  console.log('')
  printVerdicts(verdicts)
  console.log('')
  for (const failure of failures) console.log(`FAILED ${failure}`)
}

function parse(args: string[]): { readonly rows: readonly Row[]; readonly options: BenchOptions } {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string', default: '' },
      runs: { type: 'string', default: '5' },
      size: { type: 'string', default: '512' },
      files: { type: 'string', default: '10000' },
      entries: { type: 'string', default: '100000' },
    },
  })
  const options = {
    runs: positive(values.runs, '--runs'),
    size: positive(values.size, '--size'),
    files: positive(values.files, '--files'),
    entries: positive(values.entries, '--entries'),
  }
  return { rows: rowsNamed(values.rows.split(',').filter((word) => word !== '')), options }
}

function positive(text: string, option: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${option} wants a whole number from 1, not ${text}`)
  return value
}

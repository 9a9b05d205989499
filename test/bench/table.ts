import type { Result } from './measure.ts'
import type { Verdict } from './targets.ts'

/** The results, one line a contender. */
export function printResults(results: readonly Result[]): void {
  const head = ['', '', '', '', 'ratio', 'gateway CPU s/GiB', 'growth MiB']
  const lines = results.map((result) => [
    result.row,
    result.contender,
    figure(result.value),
    result.unit,
    result.ratio.toFixed(2),
    result.gatewayCpuSecondsPerGib?.toFixed(2) ?? '',
    growth(result),
  ])
  print([head, ...lines], [0, 1, 3])
}

function growth({ gatewayGrowthMib: usual, gatewayGrowthWorstMib: worst }: Result): string {
  if (usual === undefined || worst === undefined) return ''
  return worst > usual ? `${usual.toFixed(0)}, worst ${worst.toFixed(0)}` : usual.toFixed(0)
}

/** The targets, one line each. */
export function printVerdicts(verdicts: readonly Verdict[]): void {
  const lines = verdicts.map(({ row, what, measured, target, verdict }) => [
    row,
    what,
    measured === undefined ? '' : measured.toFixed(2),
    target,
    verdict,
  ])
  print([['', 'target', 'measured', '', ''], ...lines], [0, 1, 3, 4])
}

function figure(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0)
}

function print(lines: readonly (readonly string[])[], leftAligned: readonly number[]): void {
  const width = (column: number) => Math.max(...lines.map((line) => line[column]?.length ?? 0))
  for (const line of lines) {
    const cells = line.map((cell, i) => (leftAligned.includes(i) ? cell.padEnd(width(i)) : cell.padStart(width(i))))
    console.log(cells.join('  ').trimEnd())
  }
}

import type { Result } from './measure.ts'
import type { Row, Target } from './row.ts'

/** What became of a promise. */
export interface Verdict {
  readonly row: string
  /** What was measured, in words. */
  readonly what: string
  readonly measured: number | undefined
  readonly target: string
  readonly verdict: 'met' | 'NOT MET' | 'not measured'
}

/** Holds a row's results against its targets. */
export function judge(row: Row, results: readonly Result[]): Verdict[] {
  return row.targets.map((target) => {
    const { contender, against = row.contenders[0].name } = target
    for (const name of [contender, against]) {
      if (!row.contenders.some((each) => each.name === name)) throw new Error(`${row.name} has no contender ${name}`)
    }
    const result = (name: string) => results.find((each) => each.contender === name)
    const measured = figure(target, result(contender), result(against))
    return { row: row.name, what: describe(target, against), measured, ...decide(target, measured) }
  })
}

function figure(target: Target, own: Result | undefined, other: Result | undefined): number | undefined {
  switch (target.measure) {
    case 'speed':
      return own && other && other.medianSeconds / own.medianSeconds
    case 'time':
      return own && other && own.medianSeconds / other.medianSeconds
    case 'value':
      return own?.value
    case 'cpu':
      return own?.gatewayCpuSecondsPerGib
    case 'growth':
      return own?.gatewayGrowthMib
  }
}

function describe({ measure, contender }: Target, against: string): string {
  const words = {
    speed: `speed of ${contender} / ${against}`,
    time: `time of ${contender} / ${against}`,
    value: contender,
    cpu: `${contender}, CPU s per GiB`,
    growth: `${contender}, peak growth in MiB`,
  }
  return words[measure]
}

function decide(target: Target, measured: number | undefined): Pick<Verdict, 'target' | 'verdict'> {
  const { atLeast = -Infinity, moreThan = -Infinity, atMost = Infinity } = target
  const said = [
    ...(atLeast > -Infinity ? [`>= ${atLeast}`] : []),
    ...(moreThan > -Infinity ? [`> ${moreThan}`] : []),
    ...(atMost < Infinity ? [`<= ${atMost}`] : []),
  ].join(', ')
  if (measured === undefined) return { target: said, verdict: 'not measured' }
  const met = measured >= atLeast && measured > moreThan && measured <= atMost
  return { target: said, verdict: met ? 'met' : 'NOT MET' }
}

import { parseArgs } from 'node:util'
import { clearGround, prepareGround } from '../../support/ground.ts'
import { runHistory } from './run.ts'

/** npm run faults -- --minutes N --seed S [--keep DIR]: random clients and random faults, and whether every promise was kept. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      'fault-every': { type: 'string', default: '1500' },
      'no-extends': { type: 'boolean', default: false },
      keep: { type: 'string' },
    },
  })
  const ground = await prepareGround()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => void clearGround(ground).finally(() => process.exit(1)))
  try {
    const report = await runHistory(ground, {
      seconds: Number(values.minutes) * 60,
      seed: Number(values.seed),
      faultEveryMs: Number(values['fault-every']),
      extends: !values['no-extends'],
      keep: values.keep,
    })
    console.log(JSON.stringify(report, undefined, 2))
    console.log(`${report.attempts} attempts, ${report.violations.length} violations`)
    if (report.violations.length > 0) process.exitCode = 1
  } finally {
    await clearGround(ground)
  }
}

import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { ground } from '../../support/ground.ts'
import { runHistory } from './run.ts'

/** `npm run faults -- --seed S --minutes N` runs longer. */
const seconds = 300

test('whatever fails, what clients were told of their files is true', { timeout: (seconds + 120) * 1000 }, async () => {
  execFileSync('npm', ['run', '--silent', 'build'])
  const options = { seconds, seed: Date.now() % 1_000_000, faultEveryMs: 1200, extends: true, keep: undefined }
  const report = await runHistory(await ground(), options)
  expect(report.violations, `seed ${options.seed}`).toEqual([])
  expect(report.outcomes['store 226']).toBeGreaterThan(500)
  expect(Object.values(report.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5)
})

import { expect, test } from 'vitest'
import { describeConfig } from '../../src/config/describe.ts'
import { configOf, partnerFaults, smallest } from './folder.ts'

const defaults = 'defaults: { limits: { sessions: 20, loginsPerMinute: 60, bandwidth: { up: 10MiB }, idle: 10m } }\n'
const files = (limits: string) => ({
  'gateway.yaml': `${smallest}partners: p/*.yaml\n${defaults}`,
  'p/a.yaml': `name: a\nmatch: { users: [a] }\n${limits}`,
})

test('a partner has the limits of the defaults, except where its own file says otherwise', async () => {
  const config = await configOf(
    files('limits: { sessions: 5, loginsPerMinute: 0, bandwidth: { up: 0, down: 64KiB } }\n'),
  )
  expect(config.partners[0]?.limits).toMatchObject({
    sessions: 5,
    sessionsPerAddress: undefined,
    loginsPerMinute: 0,
    bandwidth: { up: 0, down: 65_536 },
    idleMs: 600_000,
  })
  expect(config.defaults.limits).toMatchObject({ sessions: 20, bandwidth: { up: 10 * 1024 ** 2, down: undefined } })
})

test('what is printed of the limits loads again to the same', async () => {
  const config = await configOf(files('limits: { sessions: 5, bandwidth: { up: 0, down: 64KiB } }\n'))
  const [globals = '', partner = ''] = describeConfig(config).split('\n# Partner a\n')
  const again = await configOf({
    'gateway.yaml': `${globals}partners: p/*.yaml\n`,
    'p/a.yaml': partner.replace(/^#/gm, ''),
  })
  expect(again.partners[0]?.limits).toEqual(config.partners[0]?.limits)
  expect(again.defaults).toEqual(config.defaults)
})

test('rates so low that clients would give up are faults', async () => {
  const rate = 'limits: { bandwidth: { up: 100, down: 1KB } }'
  expect(await partnerFaults(`name: a\nmatch: { users: [a] }\n${rate}`)).toEqual([
    expect.stringContaining('3:28 limits.bandwidth.up: must be a size for each second such as 512KiB or 10MiB'),
    expect.stringContaining('3:39 limits.bandwidth.down: must be'),
  ])
})

import { expect, test } from 'vitest'
import type { PartnerLimits } from '../../src/config/config.ts'
import { noLimits } from '../../src/config/limits.ts'
import { Usage } from '../../src/partners/usage.ts'

const limits = (counts: Partial<PartnerLimits>): PartnerLimits => ({ ...noLimits, ...counts })
const rates = (up: number | undefined, down: number | undefined) => ({ ...noLimits, bandwidth: { up, down } })

const [here, there] = ['192.0.2.1', '192.0.2.2']

test('so many sessions of an account may be open, and another as soon as one is over', () => {
  const usage = new Usage(() => 0)
  const first = usage.enter('acme', here, limits({ sessions: 2 }))
  usage.enter('acme', there, limits({ sessions: 2 }))
  expect(() => usage.enter('acme', here, limits({ sessions: 2 }))).toThrow('acme: 2 sessions are open already')
  usage.enter('beta', here, limits({ sessions: 2 }))
  first.leave()
  first.leave()
  usage.enter('acme', here, limits({ sessions: 2 }))
  expect(() => usage.enter('acme', here, limits({ sessions: 2 }))).toThrow()
})

test('so many sessions of an account may come from one address', () => {
  const usage = new Usage(() => 0)
  const stay = usage.enter('acme', here, limits({ sessionsPerAddress: 1 }))
  expect(() => usage.enter('acme', here, limits({ sessionsPerAddress: 1 }))).toThrow('1 sessions from 192.0.2.1')
  usage.enter('acme', there, limits({ sessionsPerAddress: 1 }))
  stay.leave()
  usage.enter('acme', here, limits({ sessionsPerAddress: 1 }))
})

test('so many logins of an account may come within a minute, whether or not they are over', () => {
  let now = 0
  const usage = new Usage(() => now)
  const logIn = () => usage.enter('acme', here, limits({ loginsPerMinute: 2 })).leave()
  logIn()
  now = 30_000
  logIn()
  expect(logIn).toThrow(expect.objectContaining({ kind: 'limited', message: 'acme: 2 logins within a minute' }))
  now = 60_000
  logIn()
  expect(logIn).toThrow()
})

test('0 means no limit', () => {
  const usage = new Usage(() => 0)
  const open = limits({ sessions: 0, sessionsPerAddress: 0, loginsPerMinute: 0 })
  for (let i = 0; i < 100; i++) usage.enter('acme', here, open)
})

test('an account that nobody uses is forgotten', () => {
  const usage = new Usage(() => 0)
  for (let i = 0; i < 100; i++) usage.enter(`user ${i}`, here, limits({ sessions: 1 })).leave()
  expect(usage.size).toBe(0)
})

test('those that are remembered for their minute are not more and more', () => {
  const usage = new Usage(() => 0)
  for (let i = 0; i < 10_100; i++) usage.enter(`user ${i}`, here, limits({ loginsPerMinute: 5 })).leave()
  expect(usage.size).toBe(10_000)
})

test('all sessions of an account share its bandwidth, up and down apart', async () => {
  const usage = new Usage(() => 0)
  const { signal } = new AbortController()
  const [one, two] = [usage.enter('acme', here, rates(8192, 1e6)), usage.enter('acme', there, rates(8192, 1e6))]
  const other = usage.enter('beta', here, rates(8192, 1e6))
  expect(one.upload?.take(8192, signal)).toBeUndefined()
  expect(other.upload?.take(8192, signal)).toBeUndefined()
  expect(two.download?.take(8192, signal)).toBeUndefined()
  const abort = new AbortController()
  const waiting = two.upload?.take(8192, abort.signal)
  abort.abort()
  await expect(waiting).rejects.toThrow()
})

test('without a limit there is no pace at all', () => {
  const stay = new Usage(() => 0).enter('acme', here, rates(0, undefined))
  expect([stay.upload, stay.download]).toEqual([undefined, undefined])
})

test('a changed rate holds for sessions that begin then', () => {
  const usage = new Usage(() => 0)
  const before = usage.enter('acme', here, rates(16_384, undefined))
  const after = usage.enter('acme', here, rates(65_536, undefined))
  expect([before.upload?.piece, after.upload?.piece]).toEqual([4096, 16_384])
})

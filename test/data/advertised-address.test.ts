import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AdvertiseSettings, advertised } from '../../src/data/advertised-address.ts'
import type { Event } from '../../src/observe/observer.ts'

const local = '192.0.2.10'
const outside = '198.51.100.7'
const inside = '10.9.9.9'

let events: Event[]
let dns: () => Promise<string>
let asked: number
beforeEach(() => {
  events = []
  asked = 0
  dns = async () => '203.0.113.1'
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'], now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

function settings(changes: Partial<AdvertiseSettings>) {
  const observer = (event: Event) => void events.push(event)
  return advertised({ advertise: 'auto', advertiseFor: [], ...changes }, observer, () => {
    asked++
    return dns()
  })
}

test.each<[string, Partial<AdvertiseSettings>, string, string]>([
  ['auto tells the address that the client reached', {}, outside, local],
  ['a fixed address is told to clients outside', { advertise: '203.0.113.9' }, outside, '203.0.113.9'],
  ['and not to clients with a private address', { advertise: '203.0.113.9' }, inside, local],
  ['nor behind a NAT of a carrier', { advertise: '203.0.113.9' }, '100.64.0.1', local],
  ['a fixed private address was meant for private clients', { advertise: '10.1.2.3' }, inside, '10.1.2.3'],
  [
    'the first network that fits decides',
    {
      advertise: '203.0.113.9',
      advertiseFor: [
        { from: '10.9.0.0/16', address: '10.1.2.3' },
        { from: '10.0.0.0/8', address: '10.4.5.6' },
      ],
    },
    inside,
    '10.1.2.3',
  ],
  [
    'also against the rule for private addresses',
    { advertiseFor: [{ from: '10.0.0.0/8', address: '203.0.113.9' }] },
    inside,
    '203.0.113.9',
  ],
  [
    'auto can stand for a network',
    { advertise: '203.0.113.9', advertiseFor: [{ from: '198.51.100.0/24', address: 'auto' }] },
    outside,
    local,
  ],
  [
    'a network that does not fit changes nothing',
    { advertise: '203.0.113.9', advertiseFor: [{ from: '198.51.101.0/24', address: 'auto' }] },
    outside,
    '203.0.113.9',
  ],
])('%s', async (_what, changes, client, told) => {
  expect(await settings(changes)(client, local)).toBe(told)
  expect(asked).toBe(0)
})

describe('a host name', () => {
  test('is looked up at start, and again when a minute has passed', async () => {
    const advertise = settings({ advertise: 'ftp.example.com' })
    expect(asked).toBe(1)
    expect(await advertise(outside, local)).toBe('203.0.113.1')
    dns = async () => '203.0.113.2'
    vi.advanceTimersByTime(59_999)
    expect(await advertise(outside, local)).toBe('203.0.113.1')
    vi.advanceTimersByTime(1)
    expect(await Promise.all([advertise(outside, local), advertise(outside, local)])).toEqual([
      '203.0.113.2',
      '203.0.113.2',
    ])
    expect(asked).toBe(2)
    expect(events).toEqual([])
  })

  test('keeps its last address while DNS fails, which is reported once until DNS answers again', async () => {
    const advertise = settings({ advertise: 'ftp.example.com' })
    await advertise(outside, local)
    const fail = async () => {
      throw new Error('queryA ESERVFAIL')
    }
    dns = fail
    for (let minute = 0; minute < 3; minute++) {
      vi.advanceTimersByTime(60_000)
      expect(await advertise(outside, local)).toBe('203.0.113.1')
    }
    expect(events).toEqual([
      {
        kind: 'warning',
        topic: 'passive_address',
        message:
          'passive.advertise: no address of ftp.example.com, clients are told the last one known, 203.0.113.1 (queryA ESERVFAIL)',
      },
    ])
    dns = async () => '203.0.113.3'
    vi.advanceTimersByTime(60_000)
    expect(await advertise(outside, local)).toBe('203.0.113.3')
    dns = fail
    vi.advanceTimersByTime(60_000)
    expect(await advertise(outside, local)).toBe('203.0.113.3')
    expect(events).toHaveLength(2)
  })

  test('without any address yet: the address of the control connection is told, and DNS is spared for ten seconds', async () => {
    dns = async () => {
      throw new Error('ENOTFOUND')
    }
    const advertise = settings({ advertise: 'ftp.example.com' })
    expect(await advertise(outside, local)).toBe(local)
    expect(await advertise(outside, local)).toBe(local)
    expect(asked).toBe(1)
    vi.advanceTimersByTime(10_000)
    expect(await advertise(outside, local)).toBe(local)
    expect(asked).toBe(2)
    expect(events).toMatchObject([{ topic: 'passive_address' }])
  })

  test('does not keep PASV waiting when DNS hangs and an address is known', async () => {
    const advertise = settings({ advertise: 'ftp.example.com' })
    await advertise(outside, local)
    dns = () => new Promise(() => {})
    vi.advanceTimersByTime(60_000)
    const told = advertise(outside, local)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await told).toBe('203.0.113.1')
  })
})

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PhaseWatch } from '../../src/composition/phase-watch.ts'
import type { Config } from '../../src/config/config.ts'
import { AuditLog } from '../../src/observe/audit-log.ts'
import type { Event } from '../../src/observe/observer.ts'
import { configOf, smallest } from '../config/folder.ts'

let folder: string
let watch: PhaseWatch | undefined
let events: Event[]
let audit: AuditLog

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phases-'))
  events = []
  audit = new AuditLog(undefined, (event) => void events.push(event))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  vi.setSystemTime('2027-02-28T22:00:00Z')
})
afterEach(async () => {
  await watch?.stop()
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

/** A configuration with partners, whose files say this of their move. */
function configured(partners: Readonly<Record<string, string>>): Promise<Config> {
  const settings = `migration: { timezone: Europe/Berlin }
logging: { audit: { path: ${folder}/audit.jsonl } }
partners: partners.d/*.yaml
`
  const files = Object.entries(partners).map(
    ([name, text]) => [`partners.d/${name}.yaml`, `name: ${name}\nmatch: { users: [${name}] }\n${text}\n`] as const,
  )
  return configOf({ 'gateway.yaml': smallest + settings, ...Object.fromEntries(files) })
}

async function watching(config: Config): Promise<PhaseWatch> {
  const started = new PhaseWatch({
    observer: (event) => void events.push(event),
    audit,
    now: Date.now,
    directory: folder,
  })
  watch = started
  await started.start(config)
  return started
}

/** What was told since the last call. */
function told(): readonly string[] {
  const phases = events.flatMap((event) => {
    if (event.kind !== 'phase' || event.partner === 'default') return []
    return [`${event.partner} ${event.before ?? '-'} > ${event.phase ?? '-'} (${event.cause})`]
  })
  events.splice(0)
  return phases
}

async function audited(): Promise<readonly unknown[]> {
  await audit.flush()
  const text = readFileSync(join(folder, 'audit.jsonl'), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const timeline = 'timeline: { notice: 2027-02-01, brownout: 2027-03-01, retired: 2027-04-12 }'

describe('The watch of phases', () => {
  test('tells at start in which phase everybody is', async () => {
    await watching(await configured({ acme: timeline, bolt: '', cove: 'phase: retired' }))
    expect(events.filter(({ kind }) => kind === 'phase')).toHaveLength(4)
    expect(told()).toEqual(['acme - > notice (start)', 'bolt - > gateway (start)', 'cove - > retired (start)'])
  })

  test('tells and records a change when its date comes, at midnight in the zone', async () => {
    await watching(await configured({ acme: timeline, bolt: '' }))
    told()
    await vi.advanceTimersByTimeAsync(59 * 60_000 + 59_000)
    expect(told()).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(told()).toEqual(['acme notice > brownout (timeline)'])
    const after = { partner: 'acme', before: 'notice', after: 'brownout', cause: 'timeline' }
    expect(await audited()).toEqual([{ time: '2027-02-28T23:00:00.000Z', ...after }])
  })

  test('goes on to the next date, and stops with its timer', async () => {
    const started = await watching(await configured({ acme: timeline }))
    vi.setSystemTime('2027-04-11T21:59:30Z')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told()).toEqual(['acme - > notice (start)', 'acme notice > retired (timeline)'])
    expect(vi.getTimerCount()).toBe(0)
    started.reload(await configured({ acme: timeline.replaceAll('2027', '2028') }))
    expect(vi.getTimerCount()).toBe(1)
    await started.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('tells and records what a reload changes, one line each', async () => {
    const started = await watching(await configured({ acme: timeline, bolt: '', cove: '' }))
    told()
    started.reload(await configured({ acme: `${timeline}\nphase: gateway`, bolt: '', dune: 'phase: notice' }))
    expect(told()).toEqual(['cove gateway > - (reload)', 'acme notice > gateway (reload)', 'dune - > notice (reload)'])
    expect(await audited()).toMatchObject([
      { partner: 'cove', before: 'gateway', cause: 'reload' },
      { partner: 'acme', before: 'notice', after: 'gateway', cause: 'reload' },
      { partner: 'dune', after: 'notice', cause: 'reload' },
    ])
  })

  test('says that a hold has ended', async () => {
    const hold = 'hold: { reason: x, since: 2027-02-20, until: 2027-03-02 }'
    await watching(await configured({ acme: `${timeline}\n${hold}` }))
    expect(told()).toEqual(['acme - > notice (start)'])
    await vi.advanceTimersByTimeAsync(25 * 3_600_000)
    expect(told()).toEqual(['acme notice > brownout (hold)'])
  })

  test('records what has changed while nobody was looking', async () => {
    const config = await configured({ acme: timeline, bolt: '' })
    await (await watching(config)).stop()
    told()
    vi.setSystemTime('2027-05-01T00:00:00Z')
    await watching(config)
    expect(told()).toEqual(['acme notice > retired (start)', 'bolt gateway > gateway (start)'])
    expect(await audited()).toMatchObject([{ partner: 'acme', before: 'notice', after: 'retired', cause: 'start' }])
  })
})

test('A line that cannot be written is told', async () => {
  const log = new AuditLog(join(folder, 'nowhere/audit.jsonl'), (event) => void events.push(event))
  log.write({ time: new Date(), partner: 'acme', before: 'a', after: 'b', cause: 'reload' })
  await log.flush()
  expect(events).toMatchObject([{ kind: 'warning', topic: 'audit', message: expect.stringContaining('partner acme') }])
})

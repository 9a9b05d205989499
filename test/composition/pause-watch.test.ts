import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PauseWatch } from '../../src/composition/pause-watch.ts'
import { endPause, PauseFile, writePause } from '../../src/migration/pause-file.ts'
import { AuditLog } from '../../src/observe/audit-log.ts'
import { lineOf } from '../../src/observe/log-lines.ts'
import type { Event } from '../../src/observe/observer.ts'

const since = Date.parse('2027-03-01T08:00Z')
const until = since + 3_600_000
const [not, whiled] = ['not paused', 'paused until 2027-03-01T09:00:00.000Z']

let folder: string
let now: number
let events: Event[]
let audit: AuditLog
let watch: PauseWatch

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pauses-'))
  now = since
  events = []
  audit = new AuditLog(join(folder, 'audit.jsonl'), () => {})
  watch = watching()
  await watch.start()
})
afterEach(async () => {
  await watch.stop()
  rmSync(folder, { recursive: true })
})

function watching(): PauseWatch {
  const file = new PauseFile(folder, () => {})
  return new PauseWatch({ file, observer: (event) => void events.push(event), audit, now: () => now })
}

/** What the audit log has after a look; nothing without a file. */
async function audited(): Promise<readonly object[]> {
  await watch.look()
  await audit.flush()
  try {
    const lines = readFileSync(join(folder, 'audit.jsonl'), 'utf8').trimEnd().split('\n')
    return lines.map((line) => JSON.parse(line))
  } catch {
    return []
  }
}

test('A pause by somebody else than the verb, and its end, leave a line each', async () => {
  await writePause(folder, { since, until, by: 'anna' })
  const first = { time: '2027-03-01T08:00:00.000Z', setting: 'brownouts', before: not, after: whiled, cause: 'pause' }
  expect(await audited()).toEqual([{ ...first, by: 'anna' }])
  now += 60_000
  await endPause(folder)
  const second = { ...first, time: '2027-03-01T08:01:00.000Z', before: whiled, after: not }
  expect(await audited()).toEqual([{ ...first, by: 'anna' }, second])
  expect(await audited()).toHaveLength(2)
})

test('What the verb has written down already is told in the log alone', async () => {
  await writePause(folder, { since, until, by: 'anna', audited: true })
  expect(await audited()).toEqual([])
  await endPause(folder, { at: since, by: 'ben', audited: true })
  expect(await audited()).toEqual([])
  expect(events.map((event) => lineOf(event).message)).toEqual([
    `Brownouts are ${whiled}, were not paused: anna`,
    `Brownouts are not paused, were ${whiled}: ben`,
  ])
})

test('A pause that is over leaves a line as well, whoever has begun it', async () => {
  await writePause(folder, { since, until, by: 'anna', audited: true })
  await audited()
  now = until
  const line = { time: '2027-03-01T09:00:00.000Z', setting: 'brownouts', before: whiled, after: not, cause: 'time' }
  expect(await audited()).toEqual([line])
})

test('A pause that is there at start is no change; what comes afterwards is one', async () => {
  await writePause(folder, { since, until })
  watch = watching()
  await watch.start()
  expect(await audited()).toEqual([])
  await writePause(folder, { since, until: Number.POSITIVE_INFINITY })
  expect(await audited()).toMatchObject([{ before: whiled, after: 'paused until it is ended' }])
})

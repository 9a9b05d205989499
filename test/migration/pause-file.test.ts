import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endPause, PauseFile, readPause, writePause } from '../../src/migration/pause-file.ts'

let folder: string
let warnings: string[]
let file: PauseFile
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pause-'))
  warnings = []
  file = new PauseFile(folder, (message) => void warnings.push(message))
})
afterEach(() => rmSync(folder, { recursive: true }))

const [since, until] = [Date.parse('2027-03-01T08:00Z'), Date.parse('2027-03-01T12:00Z')]

test('Without the file there is no pause', async () => {
  expect(await file.until()).toBe(0)
  expect(await readPause(folder)).toBeUndefined()
})

test('A pause is seen at the next question, and so are its change and its end', async () => {
  expect(await file.until()).toBe(0)
  await writePause(folder, { since, until })
  expect(await file.until()).toBe(until)
  await writePause(folder, { since, until: Number.POSITIVE_INFINITY })
  expect(await file.until()).toBe(Number.POSITIVE_INFINITY)
  expect(await readPause(folder)).toEqual({ since, until: Number.POSITIVE_INFINITY })
  await endPause(folder)
  expect(await file.until()).toBe(0)
  await endPause(folder)
})

test.each(['', '{', 'null', '{}', '{"since":"2027-03-01T08:00Z","until":"soon"}'])(
  'A file that says %j pauses everything, and is told once',
  async (text) => {
    writeFileSync(join(folder, 'brownout-pause.json'), text)
    expect(await file.until()).toBe(Number.POSITIVE_INFINITY)
    expect(await file.until()).toBe(Number.POSITIVE_INFINITY)
    expect(warnings).toEqual([expect.stringContaining('brownouts are paused until it is gone')])
  },
)

test('Without a state directory there is no pause', async () => {
  expect(await new PauseFile(undefined, () => {}).until()).toBe(0)
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type Fixture, finishedIn, keptIn, makeFixture, sha256 } from '../support/fixtures.ts'
import { usePlace } from '../support/place.ts'
import { runOk } from '../support/run.ts'
import { clientEnvironment } from './client.ts'

/*
 * An upload is stored when its end is authentic, and never else. `TIMES=50 npx vitest run test/clients/truncation.test.ts` is
 * the long form.
 */

const times = Number(process.env['TIMES'] ?? 2)
const sizes = [0, 1, 16_383, 16_384, 16_385, 261_120, 1_000_000, 10_000_000]
const script = fileURLToPath(new URL('raw-upload.py', import.meta.url))
const testMs = 60_000 + times * 10_000

type Ending = 'close_notify' | 'fin' | 'rst' | 'mid_record' | 'then_clear' | 'then_record'

describe.each(['1.2', '1.3'] as const)('TLS %s', (tls) => {
  const place = usePlace()

  /** The codes of the final replies to uploads of every size, `rounds` times each, to one name per size. */
  async function verdicts(ending: Ending, files: readonly Fixture[], rounds = times): Promise<number[]> {
    const site = place.site('explicit', tls)
    const uploads = files.flatMap(({ path, bytes }) =>
      Array.from({ length: rounds }, () => ({ local: path, remote: `file-${bytes}`, ending })),
    )
    const answer = await runOk('python3', [script], {
      input: JSON.stringify({ site, uploads }),
      env: clientEnvironment(site),
      timeoutMs: testMs,
    })
    return (JSON.parse(answer.toString()) as { final: string }[]).map(({ final }) => Number(final.slice(0, 3)))
  }
  const fixtures = () => Promise.all(sizes.map((size) => makeFixture(place.local, size)))
  const stored = (size: number) => join(place.home, `file-${size}`)

  async function areRefused(ending: Ending): Promise<void> {
    const old = await makeFixture(place.local, 4_321)
    for (const size of sizes) place.give(`file-${size}`, old)
    const codes = await verdicts(ending, await fixtures())
    expect(codes).toEqual(Array(sizes.length * times).fill(426))
    const before = readFileSync(old.path)
    for (const size of sizes) expect(readFileSync(stored(size)).equals(before), `${size} bytes`).toBe(true)
    await areStored('close_notify', 1)
    expect([...keptIn(place.home)]).toEqual([])
  }

  async function areStored(ending: Ending, rounds = times): Promise<void> {
    const files = await fixtures()
    expect(await verdicts(ending, files, rounds)).toEqual(Array(sizes.length * rounds).fill(226))
    for (const { bytes, sha256: sum } of files) expect(await sha256(stored(bytes)), `${bytes} bytes`).toBe(sum)
  }

  test(
    'F02 uploads of 0 B to 10 MB that end with a FIN and no close_notify: 426 every time, and the old files stay',
    {
      timeout: testMs,
    },
    () => areRefused('fin'),
  )

  test(
    'F03 uploads of 0 B to 10 MB that end inside a TLS record: 426 every time, and the old files stay',
    {
      timeout: testMs,
    },
    () => areRefused('mid_record'),
  )

  test(
    'F04 uploads of 0 B to 10 MB that are reset behind their last byte: 426 every time, and the old files stay',
    {
      timeout: testMs,
    },
    () => areRefused('rst'),
  )

  test.each(['then_clear', 'then_record'] as const)(
    'F19 uploads of 0 B to 10 MB with something behind close_notify (%s): 226 every time, and it is no part of the files',
    {
      timeout: testMs,
    },
    async (ending) => {
      await areStored(ending)
      expect(finishedIn(place.home)).toEqual(sizes.map((size) => `file-${size}`).sort())
    },
  )

  test(
    'uploads of 0 B to 10 MB that end as TLS wants it: 226 every time, and the bytes are those that were sent',
    {
      timeout: testMs,
    },
    () => areStored('close_notify'),
  )
})

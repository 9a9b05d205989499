import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { emptyFolder, type Fixture, finishedIn, makeFixture } from '../support/fixtures.ts'
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
const timeout = 60_000 + times * 30_000
const recordBytes = 16_384

type Ending =
  | 'close_notify'
  | 'fin'
  | 'rst'
  | 'mid_record'
  | 'mid_content'
  | 'mid_notify'
  | 'then_clear'
  | 'then_record'

/** One upload, and what is under its name then. */
interface Verdict {
  readonly bytes: number
  readonly code: number
  readonly stored: 'nothing' | 'the old file' | 'what was sent' | 'something else'
  /** What came through TLS. */
  readonly arrived: number
  readonly outcome: string
}

describe.each(['1.2', '1.3'] as const)('TLS %s', (tls) => {
  const place = usePlace()

  /** Uploads every size once; those that `replace` says go over a file of another content. */
  async function uploads(
    ending: Ending,
    files: readonly Fixture[],
    replace: (i: number) => boolean,
    old: Fixture,
  ): Promise<Verdict[]> {
    emptyFolder(place.home)
    for (const [i, { bytes }] of files.entries()) if (replace(i)) place.give(`file-${bytes}`, old)
    const told = place.gateway.log.length
    const site = place.site('explicit', tls)
    const asked = files.map(({ path, bytes }) => ({ local: path, remote: `file-${bytes}`, ending }))
    const input = JSON.stringify({ site, uploads: asked })
    const answer = await runOk('python3', [script], { input, env: clientEnvironment(site), timeoutMs: 120_000 })
    const replies = JSON.parse(answer.toString()) as { final: string }[]
    const transfers = place.gateway.log.slice(told).filter((event) => event.kind === 'transfer')
    return files.map((file, i) => {
      const { bytes: arrived = -1, outcome = 'none' } = transfers[i] ?? {}
      const code = Number(replies[i]?.final.slice(0, 3))
      return { bytes: file.bytes, code, stored: storedOf(file, old), arrived, outcome }
    })
  }

  function storedOf(sent: Fixture, old: Fixture): Verdict['stored'] {
    const path = join(place.home, `file-${sent.bytes}`)
    if (!existsSync(path)) return 'nothing'
    const stored = readFileSync(path)
    if (stored.equals(readFileSync(sent.path))) return 'what was sent'
    return stored.equals(readFileSync(old.path)) ? 'the old file' : 'something else'
  }

  /** Uploads every size `times` times, in turn over a file and to a free name. */
  async function verdicts(
    ending: Ending,
    expected: (bytes: number) => Partial<Verdict>,
    { from = 0 } = {},
  ): Promise<void> {
    const old = await makeFixture(place.local, 4_321)
    const files = await Promise.all(
      sizes.filter((bytes) => bytes >= from).map((size) => makeFixture(place.local, size)),
    )
    for (let run = 0; run < times; run++) {
      const replace = (i: number) => (i + run) % 2 === 0
      const found = await uploads(ending, files, replace, old)
      const untouched = (i: number) => ({ code: 426, stored: replace(i) ? 'the old file' : 'nothing' })
      expect(found, `run ${run}`).toEqual(
        files.map(({ bytes }, i) => ({ ...found[i], bytes, ...untouched(i), ...expected(bytes) })),
      )
      // Neither is there anything under a name that nobody asked for.
      const there = found.flatMap(({ bytes, stored }) => (stored === 'nothing' ? [] : [`file-${bytes}`]))
      expect(finishedIn(place.home)).toEqual(there.sort())
    }
  }

  const whole = (arrived: number) => ({ code: 226, stored: 'what was sent', outcome: 'ok', arrived }) as const
  const everyByte = (arrived: number) => ({ outcome: 'truncated', arrived })

  test(
    'F02 uploads of 0 B to 10 MB that end with a FIN and no close_notify: 426 every time, and no name changes',
    {
      timeout,
    },
    () => verdicts('fin', everyByte),
  )

  test(
    'F03 uploads of 0 B to 10 MB that end inside a TLS record: 426 every time, and no name changes',
    {
      timeout,
    },
    () => verdicts('mid_record', everyByte),
  )

  test(
    'F03 uploads of 1 B to 10 MB that end inside the last TLS record of the content: 426 every time, and no name changes',
    {
      timeout,
    },
    () => verdicts('mid_content', (bytes) => everyByte(bytes - Math.min(bytes, recordBytes)), { from: 1 }),
  )

  test(
    'F03 uploads of 0 B to 10 MB that end one byte before close_notify does: 426 every time, and no name changes',
    {
      timeout,
    },
    () => verdicts('mid_notify', everyByte),
  )

  test(
    'F04 uploads of 0 B to 10 MB that are reset behind their last byte: 426 every time, and no name changes',
    {
      timeout,
    },
    () => verdicts('rst', () => ({ outcome: 'data_error' })),
  )

  test(
    'uploads of 0 B to 10 MB that end as TLS wants it: 226 every time, and the bytes are those that were sent',
    {
      timeout,
    },
    () => verdicts('close_notify', whole),
  )

  test.each(['then_clear', 'then_record'] as const)(
    'F19 uploads of 0 B to 10 MB with something behind close_notify (%s): 226 every time, and it is no part of the files',
    {
      timeout,
    },
    (ending) => verdicts(ending, whole),
  )
})

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { finishedIn, keptIn, makeFixture, sha256 } from '../support/fixtures.ts'
import type { Site } from '../support/place.ts'
import { usePlace } from '../support/place.ts'
import { runOk } from '../support/run.ts'
import { clientEnvironment, clientTimeoutMs } from './client.ts'

const script = fileURLToPath(new URL('raw-upload.py', import.meta.url))

type Ending = 'close_notify' | 'fin' | 'rst' | 'mid_record'
interface Upload {
  readonly local: string
  readonly remote: string
  readonly ending: Ending
  /** The size that ALLO declares before it. */
  readonly allo?: number
}
interface Answer {
  readonly mark: string
  readonly final: string
}

async function upload(site: Site, uploads: readonly Upload[]): Promise<Answer[]> {
  const answer = await runOk('python3', [script], {
    input: JSON.stringify({ site, uploads }),
    env: clientEnvironment(site),
    timeoutMs: clientTimeoutMs,
  })
  return JSON.parse(answer.toString()) as Answer[]
}

describe.each(['explicit', 'implicit'] as const)('a client of its own making, %s TLS', (mode) => {
  describe.each(['1.2', '1.3'] as const)('%s', (tls) => {
    const place = usePlace()

    test('T6: that reads nothing on the data connection and closes it: 24 of 24 uploads of 3 MB are complete', {
      timeout: 4 * clientTimeoutMs,
    }, async () => {
      const file = await makeFixture(place.local, 3_000_000)
      const uploads = Array.from({ length: 24 }, (_, i): Upload => {
        return { local: file.path, remote: `file-${i}`, ending: 'close_notify' }
      })
      const answers = await upload(place.site(mode, tls), uploads)
      expect(answers.filter(({ final }) => final.startsWith('226 '))).toHaveLength(24)
      for (const { remote } of uploads) expect(await sha256(join(place.home, remote)), remote).toBe(file.sha256)
      // The TLS 1.3 tickets of a new session are what such a client leaves unread; resumed ones would prove nothing.
      const transfers = place.gateway.log.filter((event) => event.kind === 'transfer')
      for (const transfer of transfers) expect(transfer).toMatchObject({ reused: false })
    })

    describe.each(['fin', 'rst', 'mid_record'] as const)('T7: that ends an upload with %s', (ending) => {
      test.each([1, 16_384, 3_000_000])(
        'after %i bytes gets 426, and a file of that name stays as it was',
        async (bytes) => {
          const [old, part] = [await makeFixture(place.local, 16_385), await makeFixture(place.local, bytes)]
          place.give('kept', old)
          const before = statSync(join(place.home, 'kept'))
          const [onto, fresh] = await upload(place.site(mode, tls), [
            { local: part.path, remote: 'kept', ending },
            { local: part.path, remote: 'new', ending },
          ])
          expect(onto).toMatchObject({ mark: expect.stringMatching(/^150 /), final: expect.stringMatching(/^426 /) })
          expect(fresh).toMatchObject({ mark: expect.stringMatching(/^150 /), final: expect.stringMatching(/^426 /) })
          expect(finishedIn(place.home)).toEqual(['kept'])
          const sent = readFileSync(part.path)
          for (const [name, kept] of keptIn(place.home)) {
            expect(kept.equals(sent.subarray(0, kept.length)), `what is kept of ${name}`).toBe(true)
          }
          const after = statSync(join(place.home, 'kept'))
          expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs])
          expect(readFileSync(join(place.home, 'kept')).equals(readFileSync(old.path))).toBe(true)
        },
      )
    })
  })
})

const bytes = 100_000

/** How an upload of so many bytes ends, what ALLO said before it, and what the policy makes of it. */
const verdicts = [
  { ending: 'close_notify', allo: undefined, require: 226, warn: 226 },
  { ending: 'close_notify', allo: bytes, require: 226, warn: 226 },
  { ending: 'close_notify', allo: bytes + 1, require: 426, warn: 426 },
  { ending: 'fin', allo: undefined, require: 426, warn: 226 },
  { ending: 'fin', allo: bytes, require: 226, warn: 226 },
  { ending: 'fin', allo: bytes + 1, require: 426, warn: 426 },
  { ending: 'rst', allo: undefined, require: 426, warn: 426 },
  { ending: 'rst', allo: bytes, require: 426, warn: 426 },
  { ending: 'mid_record', allo: undefined, require: 426, warn: 426 },
  { ending: 'mid_record', allo: bytes, require: 426, warn: 426 },
] as const

describe.each(['require', 'warn'] as const)('T7: with upload.endOfData %s', (endOfData) => {
  const place = usePlace({ upload: { endOfData } })

  test.each(['1.2', '1.3'] as const)('on TLS %s each end of an upload has its verdict', async (tls) => {
    const file = await makeFixture(place.local, bytes)
    const uploads = verdicts.map(({ ending, allo }, i): Upload => {
      return { local: file.path, remote: `file-${i}`, ending, ...(allo !== undefined && { allo }) }
    })
    const answers = await upload(place.site('explicit', tls), uploads)
    const codes = answers.map(({ final }, i) => ({ ...verdicts[i], code: Number(final.slice(0, 3)) }))
    expect(codes).toEqual(verdicts.map((verdict) => ({ ...verdict, code: verdict[endOfData] })))
    // Nothing but what was answered with 226 is there, and that is whole.
    const stored = uploads.filter((_, i) => verdicts[i]?.[endOfData] === 226)
    expect(finishedIn(place.home)).toEqual(stored.map(({ remote }) => remote).sort())
    for (const { remote } of stored) expect(await sha256(join(place.home, remote)), remote).toBe(file.sha256)
  })
})

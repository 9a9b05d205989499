import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { makeFixture } from '../support/fixtures.ts'
import { usePlace } from '../support/place.ts'
import { runOk } from '../support/run.ts'
import { clientEnvironment, clientTimeoutMs } from './client.ts'

const script = fileURLToPath(new URL('empty-transfers.py', import.meta.url))
const place = usePlace()

test.each(['1.2', '1.3'] as const)(
  'T8: on TLS %s empty files and directories end with close_notify, 100 of 100 times each',
  async (tls) => {
    mkdirSync(join(place.home, 'nothing'))
    place.give('empty', await makeFixture(place.local, 0))
    const site = place.site('explicit', tls)
    const answer = await runOk('python3', [script], {
      input: JSON.stringify({ site, count: 100, lines: ['RETR empty', 'LIST nothing', 'MLSD nothing'] }),
      env: clientEnvironment(site),
      timeoutMs: clientTimeoutMs,
    })
    expect(JSON.parse(answer.toString())).toEqual({ ended: 300, errors: [] })
  },
)

import { chmodSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeFixture, sha256 } from '../support/fixtures.ts'
import { ground } from '../support/ground.ts'
import { usePlace } from '../support/place.ts'
import type { Step } from './client.ts'
import { commonsNetCommand, compileCommonsNet } from './matrix/commons-net.ts'
import { programClient } from './matrix/program.ts'

const sizes = [0, 1, 16_385, 3_000_000]
let classes: string

beforeAll(async () => {
  classes = mkdtempSync(join((await ground()).runFolder, 'java-'))
  chmodSync(classes, 0o755)
  await compileCommonsNet(classes)
}, 120_000)

/**
 * JSSE keeps TLS sessions by host and port, so a data connection finds none. With the reflection that puts the control
 * connection's session there it is continued on TLS 1.2, and on TLS 1.3 never.
 */
const cases = [
  { program: 'plain', tls: '1.2', resumes: false },
  { program: 'plain', tls: '1.3', resumes: false },
  { program: 'with the reflection for session reuse', tls: '1.2', resumes: true },
  { program: 'with the reflection for session reuse', tls: '1.3', resumes: false },
] as const

describe.each(['explicit', 'implicit'] as const)('Java’s JSSE, %s TLS', (mode) => {
  const place = usePlace()

  test.each(cases)('T4: $program, TLS $tls: files of every size arrive whole', async ({ program, tls, resumes }) => {
    const files = await Promise.all(sizes.map((bytes) => makeFixture(place.local, bytes)))
    const client = programClient('Apache Commons Net', commonsNetCommand(classes, program !== 'plain'))
    const remote = (bytes: number) => `file-${bytes}`
    const seen = place.gateway.log.length
    await client.perform(place.site(mode, tls), [
      ...files.map(({ path, bytes }): Step => ({ do: 'put', local: path, remote: remote(bytes) })),
      ...files.map(
        ({ bytes }): Step => ({ do: 'get', remote: remote(bytes), local: join(place.local, remote(bytes)) }),
      ),
    ])
    for (const { bytes, sha256: hash } of files) {
      expect(await sha256(join(place.home, remote(bytes))), `${bytes} bytes up`).toBe(hash)
      expect(await sha256(join(place.local, remote(bytes))), `${bytes} bytes down`).toBe(hash)
    }
    const transfers = place.gateway.log.slice(seen).filter((event) => event.kind === 'transfer')
    expect(transfers).toHaveLength(2 * sizes.length)
    for (const transfer of transfers) expect(transfer).toMatchObject({ tls: `TLSv${tls}`, reused: resumes })
    for (const { direction, endOfData } of transfers) {
      if (direction === 'upload') expect(endOfData).toBe('close_notify')
    }
  })
})

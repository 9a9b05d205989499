import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { namesIn } from '../support/fixtures.ts'
import { startTestGateway } from '../support/gateway-under-test.ts'
import { usePlace } from '../support/place.ts'

const place = usePlace()

async function logIn(port: number, certificate: string): Promise<Dialogue> {
  const { user } = place.sshd
  return Dialogue.logIn({ port, tls: 'explicit', certificate }, user.name, user.password)
}

/** A client of a gateway that takes the backend for one with such a rename. */
async function withRename(rename: 'posix' | 'swap', task: (client: Dialogue) => Promise<void>): Promise<void> {
  const { host, port, fingerprints } = place.sshd
  const backends = [{ name: 'main', host, port, hostKeys: [fingerprints.ed25519], capabilities: { rename } }]
  const gateway = await startTestGateway({ settings: { backends } })
  try {
    await task(await logIn(gateway.explicit, gateway.certificate))
  } finally {
    await gateway.stop()
  }
}

describe.each(['posix', 'swap'] as const)('T18: on a backend whose rename is %s', (rename) => {
  test('RNTO replaces the file that has the name, and nothing else is left', async () => {
    await withRename(rename, async (client) => {
      for (const name of ['old', 'new'])
        expect((await client.transfer(`STOR ${name}`, Buffer.from(name))).code).toBe(226)
      await client.dialogue('> RNFR new', '< 350', '> RNTO old', '< 250', '> SIZE new', '< 550', '> QUIT', '< 221')
    })
    expect(namesIn(place.home)).toEqual(['old'])
    expect(readFileSync(join(place.home, 'old'), 'utf8')).toBe('new')
  })

  test('RNTO onto a directory is 550, and both stay', async () => {
    await withRename(rename, async (client) => {
      expect((await client.transfer('STOR file', Buffer.from('text'))).code).toBe(226)
      await client.dialogue('> MKD folder', '< 257', '> RNFR file', '< 350', '> RNTO folder', '< 550')
      await client.dialogue('> RNFR file', '< 350', '> RNTO file', '< 250', '> QUIT', '< 221')
    })
    expect(namesIn(place.home)).toEqual(['file', 'folder'])
  })
})

test('T18: RNTO without RNFR is 503, RNFR of nothing 550, and one RNFR is good for one RNTO', async () => {
  const { gateway } = place
  const client = await logIn(gateway.explicit, gateway.certificate)
  await client.dialogue('> RNTO x', '< 503', '> RNFR none', '< 550', '> RNTO x', '< 503')
  expect((await client.transfer('STOR a', Buffer.from('text'))).code).toBe(226)
  await client.dialogue(
    '> RNFR a',
    '< 350',
    '> NOOP',
    '< 200',
    '> PWD',
    '< 257',
    '> RNTO b',
    '< 250',
    '> RNTO c',
    '< 503',
  )
  // A transfer in between ends it (ProFTPD and others do so as well).
  await client.dialogue('> RNFR b', '< 350')
  expect((await client.transfer('LIST')).code).toBe(226)
  await client.dialogue('> RNTO d', '< 503', '> QUIT', '< 221')
  expect(namesIn(place.home)).toEqual(['b'])
})

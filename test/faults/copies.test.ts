import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { namesIn } from '../support/fixtures.ts'
import { startTestGateway } from '../support/gateway-under-test.ts'
import { usePlace } from '../support/place.ts'

const place = usePlace()

test('CPFR and CPTO copy on the backend, a range of the copy is fetched, and its checksum is that of the range', async () => {
  const { host, port, fingerprints, user } = place.sshd
  const backends = [{ name: 'main', host, port, hostKeys: [fingerprints.ed25519] }]
  const gateway = await startTestGateway({ settings: { backends, commands: { rang: true } } })
  try {
    const { explicit, certificate } = gateway
    const client = await Dialogue.logIn({ port: explicit, tls: 'explicit', certificate }, user.name, user.password)
    expect((await client.transfer('STOR from', Buffer.from('x123456789y'))).code).toBe(226)
    await client.dialogue('> CPFR from', '< 350', '> CPTO to', '< 250', '> CPTO other', '< 503', '> AVBL', '< 213')
    expect(namesIn(place.home)).toEqual(['from', 'to'])
    expect(readFileSync(join(place.home, 'to'), 'utf8')).toBe('x123456789y')
    await client.dialogue('> TYPE I', '< 200', '> RANG 1 9', '< 350')
    expect(String((await client.transfer('RETR to')).content)).toBe('123456789')
    await client.dialogue('> OPTS HASH CRC32', '< 200', '> RANG 1 9', '< 350')
    await client.dialogue('> HASH to', '< 213 CRC32 1-9 cbf43926 to', '> XCRC "to" 1 10', '< 250 CBF43926')
    writeFileSync(join(place.home, 'to'), '123456789')
    await client.dialogue('> XCRC to', '< 250 CBF43926', '> RANG 11 12', '< 350', '> QUIT', '< 221')
  } finally {
    await gateway.stop()
  }
})

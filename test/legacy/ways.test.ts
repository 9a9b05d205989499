import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { makeFixture } from '../support/fixtures.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { relayedTo, useRelay } from '../support/old-server.ts'
import { startProftpdFtps } from '../support/proftpd-ftps.ts'
import { startVsftpd } from '../support/vsftpd.ts'

const servers = {
  vsftpd: (tls: 'implicit' | 'off') => startVsftpd({ tls, requireReuse: tls !== 'off' }),
  ProFTPD: (tls: 'implicit' | 'off') => startProftpdFtps('TLSv1.2 TLSv1.3', tls),
}

describe.each(Object.entries(servers))('Relayed to %s', (_, start) => {
  describe.each(['implicit', 'off'] as const)('with tls.mode: %s', (tls) => {
    const place = useRelay(() => start(tls))
    const gateways: TestGateway[] = []
    afterEach(async () => {
      for (const gateway of gateways.splice(0)) await gateway.stop()
    })

    /** Through a gateway that speaks to the old server in this way. */
    async function logIn() {
      const gateway = await startTestGateway({ settings: relayedTo(place.old, { mode: tls }) })
      gateways.push(gateway)
      const { name, password } = place.old.user
      const way = { port: gateway.explicit, certificate: gateway.certificate, tls: 'explicit' } as const
      return Dialogue.logIn(way, name, password)
    }

    test('files go up, down and on, and no byte changes', async () => {
      const { path } = await makeFixture(place.local, 3_000_000)
      const bytes = readFileSync(path)
      const client = await logIn()
      expect((await client.transfer('STOR up', bytes.subarray(0, 2_000_000))).code).toBe(226)
      expect((await client.transfer('APPE up', bytes.subarray(2_000_000))).code).toBe(226)
      expect(readFileSync(join(place.old.home, 'up')).equals(bytes)).toBe(true)
      await client.dialogue('> REST 1000000', '< 350')
      expect((await client.transfer('RETR up')).content.equals(bytes.subarray(1_000_000))).toBe(true)
      expect((await client.transfer('STOR empty', Buffer.alloc(0))).code).toBe(226)
      expect((await client.transfer('NLST')).content.toString().trim().split(/\r\n/).sort()).toEqual(['empty', 'up'])
      client.close()
    })
  })
})

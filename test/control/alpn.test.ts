import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testTls } from '../support/data-channel.ts'
import { channelFor, closeAll, request } from '../support/data-connections.ts'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'

const gateways = new Map<'explicit' | 'implicit', MemoryGateway>()
beforeAll(async () => {
  for (const tls of ['explicit', 'implicit'] as const) gateways.set(tls, await startMemoryGateway({ tls }))
})
afterAll(async () => {
  for (const gateway of gateways.values()) await gateway.stop()
  await closeAll()
})

/** What openssl says of a control connection on which it offers these protocols. */
async function offer(tls: 'explicit' | 'implicit', version: string, ...offered: string[]): Promise<string> {
  const how = [...(tls === 'explicit' ? ['-starttls', 'ftp'] : []), `-${version}`, ...offered]
  const args = ['s_client', '-connect', `127.0.0.1:${gateways.get(tls)?.port}`, ...how]
  const { stdout, stderr } = await run(program('openssl'), args)
  return `${stdout}${stderr}`
}

for (const tls of ['explicit', 'implicit'] as const) {
  for (const version of ['tls1_2', 'tls1_3']) {
    test(`${tls} ${version}: ftp is agreed on, none is needed, and clients of another protocol get an alert`, async () => {
      expect(await offer(tls, version, '-alpn', 'http/1.1,ftp')).toContain('ALPN protocol: ftp\n')
      const without = await offer(tls, version)
      expect(without).toContain('No ALPN negotiated')
      expect(without).toContain('New, TLSv1')
      const foreign = await offer(tls, version, '-alpn', 'http/1.1')
      expect(foreign).toMatch(/no application protocol.*SSL alert number 120/)
      expect(foreign).not.toContain('New, TLSv1')
    })
  }
}

test.each([
  [['ftp-data'], 'ftp-data'],
  [['ftp'], 'ftp'],
  [['x-filezilla-ftp', 'ftp'], 'ftp'],
  [[], false],
])('a data connection that offers %j gets %j', async (ALPNProtocols, agreed) => {
  const { channel } = channelFor((await testTls()).newSession({ reuse: 'prefer' }))
  for (const direction of ['upload', 'download'] as const) {
    const { port } = await channel.listen('PASV', 'control')
    const offered = ALPNProtocols.length > 0 && { ALPNProtocols }
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...offered })
    client.on('error', () => {})
    const connection = await channel.open(request({ direction }))
    expect(client.alpnProtocol).toBe(agreed)
    connection.close()
    client.destroy()
  }
})

test('a data connection of another protocol fails by alert', async () => {
  const { channel } = channelFor((await testTls()).newSession({ reuse: 'prefer' }))
  const { port } = await channel.listen('PASV', 'control')
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  const failed = new Promise<Error>((fail) => client.once('error', fail))
  await expect(channel.open(request({ direction: 'download' }))).rejects.toMatchObject({ failure: 'tls' })
  expect(String(await failed)).toContain('alert number 120')
})

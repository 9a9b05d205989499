import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

let sshd: Sshd
let gateway: TestGateway
afterEach(async () => {
  await gateway.stop()
  await sshd.stop()
})

/** Whether a client that knows only this version gets its greeting. */
async function greeted(version: string): Promise<boolean> {
  const args = [
    's_client',
    '-connect',
    `127.0.0.1:${gateway.implicit}`,
    `-${version}`,
    '-cipher',
    'DEFAULT:@SECLEVEL=0',
  ]
  const client = spawn('openssl', [...args, '-quiet', '-no_ign_eof'], { stdio: ['pipe', 'pipe', 'ignore'] })
  let text = ''
  client.stdout.on('data', (chunk) => {
    text += chunk
    client.stdin.end('QUIT\r\n')
  })
  await once(client, 'exit')
  return /^220 /m.test(text)
}

async function start(listener: object): Promise<void> {
  sshd = await startSshd()
  const listeners = [{ name: 'implicit', address: '127.0.0.1', port: 0, tls: 'implicit', ...listener }]
  gateway = await startTestGateway({ sshd, settings: { listeners } })
}
const warned = () => gateway.log.some((event) => event.kind === 'warning' && event.topic === 'legacy_tls')

describe('A listener', () => {
  test('takes clients of TLS 1.0 and 1.1 where it says so, and warns of that', async () => {
    await start({ minTls: 'TLSv1' })
    for (const version of ['tls1', 'tls1_1', 'tls1_2', 'tls1_3']) expect(await greeted(version), version).toBe(true)
    expect(warned()).toBe(true)
  })

  test('takes none of them otherwise', async () => {
    await start({})
    for (const version of ['tls1', 'tls1_1']) expect(await greeted(version), version).toBe(false)
    expect(await greeted('tls1_2')).toBe(true)
    expect(warned()).toBe(false)
  })

  test('may be stricter than the others', async () => {
    await start({ minTls: 'TLSv1.3' })
    expect([await greeted('tls1_2'), await greeted('tls1_3')]).toEqual([false, true])
    expect(warned()).toBe(false)
  })
})

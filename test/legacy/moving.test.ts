import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { ground } from '../support/ground.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { startVsftpd, type Vsftpd } from '../support/vsftpd.ts'

let sshd: Sshd
let old: Vsftpd
let gateways: TestGateway[]
beforeAll(async () => {
  sshd = await startSshd()
  old = await startVsftpd({ requireReuse: true })
  gateways = []
})
afterAll(async () => {
  for (const gateway of gateways) await gateway.stop()
  await old?.stop()
  await sshd?.stop()
})

/** A login of the partner whose file says so; both servers have a file of their own. */
async function logIn(move: object): Promise<Dialogue> {
  const folder = mkdtempSync(join((await ground()).runFolder, 'partners-'))
  chmodSync(folder, 0o755)
  const { name, password } = sshd.user
  writeFileSync(join(folder, 'acme.yaml'), JSON.stringify({ name: 'acme', match: { users: [name] }, ...move }))
  writeFileSync(join(sshd.home, 'on-sftp'), '')
  writeFileSync(join(old.home, 'on-ftps'), '')
  const main = { name: 'main', host: sshd.host, port: sshd.port, hostKeys: [sshd.fingerprints.ed25519] }
  const server = { name: 'old', type: 'ftps', host: old.host, port: old.port, tls: { ca: old.certificate } }
  const gateway = await startTestGateway({
    settings: {
      backends: [main, server],
      defaults: { backend: 'main', legacy: 'old' },
      partners: join(folder, '*.yaml'),
    },
  })
  gateways.push(gateway)
  const options = { port: gateway.explicit, certificate: gateway.certificate, tls: 'explicit' } as const
  return Dialogue.logIn(options, name, password)
}

test.each([
  ['phase: legacy', { phase: 'legacy' }, 'on-ftps'],
  ['phase: gateway', { phase: 'gateway' }, 'on-sftp'],
  ['a timeline that has not come to the gateway', { timeline: { gateway: '2999-01-01' } }, 'on-ftps'],
  ['a timeline that has', { timeline: { gateway: '2020-01-01' } }, 'on-sftp'],
])('a partner with %s is where it belongs', async (_, move, file) => {
  const client = await logIn(move)
  expect((await client.transfer('NLST')).content.toString().trim()).toBe(file)
  client.close()
  const logins = gateways.at(-1)?.log.filter(({ kind }) => kind === 'login')
  expect(logins).toMatchObject([{ partner: 'acme', backend: file === 'on-ftps' ? 'old' : 'main', outcome: 'ok' }])
})

test('the limits of a partner count at the old server, too', async () => {
  const client = await logIn({ phase: 'legacy', limits: { readOnly: true, commands: { deny: ['NLST'] } } })
  expect((await client.transfer('STOR x', Buffer.from('x'))).code).toBe(550)
  expect((await client.transfer('NLST')).code).toBe(550)
  expect((await client.transfer('LIST')).code).toBe(226)
  await client.dialogue(
    '> DELE on-ftps',
    '< 550',
    '> SITE CHMOD 600 on-ftps',
    '< 550',
    '> XMYSTERY',
    '< 550',
    '> SYST',
    '< 215',
  )
  client.close()
})

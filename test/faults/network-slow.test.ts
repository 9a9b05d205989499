import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeFixture, sha256 } from '../support/fixtures.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { type Network, startNetwork } from '../support/network.ts'
import { program } from '../support/packages.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const partner = { name: 'partner', password: 'the password of the partner' }
const clients = 50

let network: Network
let sshd: Sshd
let gateway: GatewayProgram
beforeEach(async () => {
  network = await startNetwork()
  sshd = await startSshd()
})
afterEach(async () => {
  await gateway?.stop()
  await sshd?.stop()
  await network?.stop()
})

test('F59 fifty clients at a time share a line of 1 Mbit/s: every upload gets 226 with equal bytes, and no time-out', async () => {
  gateway = await startGatewayProgram({
    sshd,
    partner,
    backend: { pool: { connections: 8 } },
    settings: {
      listeners: [{ name: 'explicit', address: network.gateway, port: 0, tls: 'explicit' }],
      limits: { sessionsPerAddress: 100 },
      timeouts: { dataStall: '10s', handshake: '20s', dataConnect: '20s' },
    },
  })
  const file = await makeFixture(sshd.folder, 15_000)
  const line = ['qdisc', 'add', 'dev', 'eth', 'root', 'tbf', 'rate', '1mbit', 'burst', '32k', 'latency', '400ms']
  expect(await network.run('client', program('tc'), line, sshd.folder)).toMatchObject({ code: 0 })
  const names = Array.from({ length: clients }, (_, i) => `f${i}`)
  const transfers = names.map((name) =>
    [
      `url = "ftp://${network.gateway}:${gateway.port}/${name}"`,
      `user = "${partner.name}:${partner.password}"`,
      `upload-file = "${file.path}"`,
      'ssl-reqd',
      'insecure',
    ].join('\n'),
  )
  const all = ['silent', 'show-error', 'parallel', 'parallel-immediate', `parallel-max = ${clients}`].join('\n')
  const config = join(sshd.folder, 'curl.conf')
  writeFileSync(config, `${all}\n${transfers.join('\nnext\n')}\n`)
  const done = await network.run('client', program('curl'), ['-q', '--config', config], sshd.folder)
  expect(done.code, done.stderr).toBe(0)
  expect(readdirSync(sshd.home).sort()).toEqual(names.sort())
  for (const name of names) expect(await sha256(join(sshd.home, name)), name).toBe(file.sha256)
  await gateway.told('transfer.done', clients)
  const results = gateway.events('transfer.done').map(({ code, outcome }) => `${code} ${outcome}`)
  expect(results).toEqual(names.map(() => '226 ok'))
})

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useAlerts } from '../support/alert-place.ts'
import { freeRange } from '../support/free-port.ts'
import { packetRules } from '../support/iptables.ts'
import { mountTmpfs } from '../support/tmpfs.ts'

const place = useAlerts()
const firing = (alert: string) => place.prometheus.firing(alert)
const silent = (alert: string) => place.prometheus.silent(alert)
const times = (count: number) => Array.from({ length: count })

test('FtpsGatewayBruteForce: passwords are tried out over several connections', async () => {
  await place.start({ settings: { limits: { loginAttempts: 100, refusalsPerAddress: 1000 } } })
  await silent('FtpsGatewayBruteForce')
  const clients = await Promise.all(times(5).map(() => place.connect()))
  let over = false
  const guessing = clients.map(async (client) => {
    for (let i = 0; !over && i < 90; i++) await client.dialogue('> USER acme', '< 331', `> PASS ${i}`, '< 530')
    client.close()
  })
  const { labels } = await firing('FtpsGatewayBruteForce')
  over = true
  await Promise.all(guessing)
  expect(labels).toMatchObject({ severity: 'warning' })
})

test('FtpsGatewayConnectionsRefused: more clients come than there may be', async () => {
  await place.start({ settings: { limits: { sessions: 2, sessionsPerAddress: 2 } } })
  await silent('FtpsGatewayConnectionsRefused')
  const clients = [await place.connect(), await place.connect()]
  await expect(place.connect()).rejects.toThrow(/421/)
  expect((await firing('FtpsGatewayConnectionsRefused')).labels).toMatchObject({ listener: 'explicit' })
  for (const client of clients) client.close()
})

test('FtpsGatewayPassivePortsNearlyExhausted: clients ask for ports and do not come', async () => {
  const { first, last } = await freeRange(5)
  await place.start({ settings: { passive: { ports: `${first}-${last}` } } })
  await silent('FtpsGatewayPassivePortsNearlyExhausted')
  const clients = await Promise.all(times(5).map(() => place.logIn()))
  for (const client of clients) await client.dialogue('> EPSV', '< 229')
  const { annotations } = await firing('FtpsGatewayPassivePortsNearlyExhausted')
  expect(annotations['description']).toContain('uses 100% of its passive ports')
  for (const client of clients) client.close()
  await silent('FtpsGatewayPassivePortsNearlyExhausted')
})

test('FtpsGatewayDataConnectionsNeverArrive: a firewall lets the control connection through and no data', async () => {
  const { first, last } = await freeRange(5)
  const firewall = await packetRules()
  place.afterwards(firewall.clear)
  const settings = { passive: { ports: `${first}-${last}` }, timeouts: { dataConnect: '1s' } }
  await place.start({ settings })
  const client = await place.logIn()
  expect((await client.transfer('MLSD')).code).toBe(226)
  await silent('FtpsGatewayDataConnectionsNeverArrive')
  await firewall.drop({ to: `${first}:${last}` })
  for (let i = 0; i < 3; i++) {
    const [epsv] = await client.dialogue('> EPSV', '< 229')
    const data = connect(Number(/\|\|\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1]), '127.0.0.1')
    await client.dialogue('> MLSD', '< 150', '< 425')
    expect(data.connecting).toBe(true)
    data.destroy()
  }
  expect(await firewall.hits()).toBeGreaterThan(0)
  const { annotations } = await firing('FtpsGatewayDataConnectionsNeverArrive')
  expect(annotations['description']).toContain('never came')
})

test('FtpsGatewayTransferRecordsLost: the disk of the transfer log is full', async () => {
  const disk = join(place.sshd.folder, 'log disk')
  place.afterwards(await mountTmpfs(disk, place.sshd.user, '64k'))
  const filler = join(disk, 'filler')
  await place.start({ settings: { logging: { transferLog: { file: join(disk, 'transfers') } } } })
  const client = await place.logIn()
  expect((await client.transfer('STOR one', Buffer.alloc(1000))).code).toBe(226)
  await silent('FtpsGatewayTransferRecordsLost')
  expect(() => writeFileSync(filler, Buffer.alloc(100_000))).toThrow(/ENOSPC/)
  // What is left of the last page of the log takes some lines more.
  for (let i = 0; i < 40; i++) expect((await client.transfer('STOR two', Buffer.alloc(1000))).code).toBe(226)
  await firing('FtpsGatewayTransferRecordsLost')
  rmSync(filler)
})

// A minute is the shortest time in which a file can be expected.
test('FtpsGatewayPartnerSilent: a file is expected that has never come, and then it comes', {
  timeout: 150_000,
}, async () => {
  const gateway = await place.start()
  await silent('FtpsGatewayPartnerSilent')
  const file = join(gateway.folder, 'partners.d', 'acme.yaml')
  const partner = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...partner, expect: { upload: { every: '1m' } } }))
  gateway.signal('SIGHUP')
  expect((await firing('FtpsGatewayPartnerSilent')).labels).toMatchObject({ partner: 'acme' })
  expect((await (await place.logIn()).transfer('STOR orders', Buffer.alloc(1000))).code).toBe(226)
  await silent('FtpsGatewayPartnerSilent')
})

import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useAlerts } from '../support/alert-place.ts'
import { type Issued, makeAuthority } from '../support/certificate-authority.ts'

const place = useAlerts()
const firing = (alert: string) => place.prometheus.firing(alert)
const silent = (alert: string) => place.prometheus.silent(alert)

test('FtpsGatewayRestarts: the gateway is started again and again', async () => {
  await place.start()
  await silent('FtpsGatewayRestarts')
  const seen = async () => (await place.prometheus.query('changes(process_start_time_seconds[30s])'))[0]
  for (let i = 0; i < 3; i++) {
    await place.start()
    // Two starts between two scrapes would be one.
    await expect.poll(() => seen(), { timeout: 20_000 }).toBeGreaterThan(i)
  }
  expect((await firing('FtpsGatewayRestarts')).labels).toMatchObject({ job: 'ftps-gateway' })
})

test('FtpsGatewayDown: the gateway is stopped', async () => {
  const gateway = await place.start()
  await silent('FtpsGatewayDown')
  await gateway.stop()
  expect((await firing('FtpsGatewayDown')).labels).toMatchObject({ severity: 'critical', job: 'ftps-gateway' })
})

test('FtpsGatewayCertificateExpiresSoon and FtpsGatewayCertificateExpiresNow: the certificate comes near its end', async () => {
  const authority = await makeAuthority(join(place.sshd.folder, 'ca'))
  const shown: Issued = { cert: join(place.sshd.folder, 'cert.pem'), key: join(place.sshd.folder, 'key.pem') }
  const show = async (days: number) => {
    const { cert, key } = await authority.issue('gateway', { names: ['127.0.0.1'], days })
    copyFileSync(key, shown.key)
    copyFileSync(cert, shown.cert)
  }
  await show(60)
  const gateway = await place.start({ settings: { tls: { certificates: [shown] } } })
  await silent('FtpsGatewayCertificateExpiresSoon')
  await show(10)
  gateway.signal('SIGHUP')
  const { annotations } = await firing('FtpsGatewayCertificateExpiresSoon')
  expect(annotations['description']).toMatch(/listener explicit .* expires in 9d 23h/)
  await silent('FtpsGatewayCertificateExpiresNow')
  await show(1)
  gateway.signal('SIGHUP')
  expect((await firing('FtpsGatewayCertificateExpiresNow')).labels).toMatchObject({ severity: 'critical' })
  await show(60)
  await silent('FtpsGatewayCertificateExpiresSoon')
  await silent('FtpsGatewayCertificateExpiresNow')
})

test('FtpsGatewayConfigReloadFailed: a faulty configuration is refused, and a sound one ends the alert', async () => {
  const gateway = await place.start()
  await silent('FtpsGatewayConfigReloadFailed')
  gateway.configure({ limits: { sessions: 'many' } })
  gateway.signal('SIGHUP')
  await firing('FtpsGatewayConfigReloadFailed')
  gateway.configure({})
  gateway.signal('SIGHUP')
  await silent('FtpsGatewayConfigReloadFailed')
})

test('FtpsGatewayEventLoopBlocked: the process does not get the processor', async () => {
  const gateway = await place.start()
  await silent('FtpsGatewayEventLoopBlocked')
  let over = false
  const starving = (async () => {
    while (!over) {
      gateway.signal('SIGSTOP')
      await new Promise((resolve) => setTimeout(resolve, 400))
      gateway.signal('SIGCONT')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  const fired = firing('FtpsGatewayEventLoopBlocked')
  await fired.catch(() => undefined)
  over = true
  await starving
  expect((await fired).annotations['description']).toContain('event loop delay')
})

test('FtpsGatewayHeapNearlyFull: the process has little memory, and many clients', async () => {
  const limits = { sessions: 20_000, sessionsPerAddress: 20_000 }
  const settings = { limits, timeouts: { login: '10m' } }
  const gateway = await place.start({ settings, node: ['--max-old-space-size=48', '--max-semi-space-size=1'] })
  await silent('FtpsGatewayHeapNearlyFull')
  const clients: Socket[] = []
  const full = async () => {
    const [used = 0] = await place.prometheus.query('nodejs_heap_size_used_bytes / ftps_gateway_heap_limit_bytes')
    return used > 0.87
  }
  let over = false
  const fired = firing('FtpsGatewayHeapNearlyFull').finally(() => {
    over = true
  })
  // A collection may make room again, so it goes on until the alert is there; by small steps, as the process should live.
  const crowding = (async () => {
    while (!over) {
      const more = (await full()) ? [] : Array.from({ length: 50 }, () => connect(gateway.port, '127.0.0.1'))
      clients.push(...more)
      await Promise.all(more.map((client) => once(client, 'data')))
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })().catch(() => undefined)
  try {
    expect((await fired).annotations['description']).toMatch(/is at (8[5-9]|9\d).* of what Node allows/)
    await crowding
    expect(gateway.running()).toBe(true)
  } finally {
    for (const client of clients) client.destroy()
  }
})

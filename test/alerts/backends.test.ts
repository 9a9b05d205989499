import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { acme, useAlerts } from '../support/alert-place.ts'
import { startSshd } from '../support/sshd.ts'
import { startTcpLink } from '../support/tcp-link.ts'
import { mountTmpfs } from '../support/tmpfs.ts'

const place = useAlerts()
const health = { every: '1s', timeout: '1s' }
const firing = (alert: string) => place.prometheus.firing(alert)
const silent = (alert: string) => place.prometheus.silent(alert)

test('FtpsGatewayBackendDown: the SSH server is stopped', async () => {
  await place.start({ backend: { health } })
  await silent('FtpsGatewayBackendDown')
  await place.sshd.stop()
  const { labels, annotations } = await firing('FtpsGatewayBackendDown')
  expect(labels).toMatchObject({ backend: 'main', severity: 'critical' })
  expect(annotations['description']).toContain('SFTP backend main')
})

test('FtpsGatewayLoginsFail: the SSH server is stopped, and a partner tries to log in', async () => {
  await place.start()
  await silent('FtpsGatewayLoginsFail')
  await (await place.logIn()).dialogue('> QUIT', '< 221')
  await place.sshd.stop()
  for (let i = 0; i < 3; i++) {
    const client = await place.connect()
    await client.dialogue('> USER acme', '< 331', `> PASS ${acme.password}`, '< 421')
  }
  expect((await firing('FtpsGatewayLoginsFail')).labels).toMatchObject({ partner: 'acme' })
})

test('FtpsGatewayBackendHostKeyMismatch: another server answers at the address of the backend', async () => {
  const link = await startTcpLink(place.sshd)
  await place.start({ backend: { port: link.port, health } })
  await silent('FtpsGatewayBackendHostKeyMismatch')
  await link.stop()
  const another = await startSshd()
  place.afterwards(another.stop)
  const astray = await startTcpLink(another, { port: link.port })
  place.afterwards(astray.stop)
  const { labels } = await firing('FtpsGatewayBackendHostKeyMismatch')
  expect(labels).toMatchObject({ backend: 'main', severity: 'critical' })
})

test('FtpsGatewayBackendSlow: the line to the backend gets long', async () => {
  const link = await startTcpLink(place.sshd)
  place.afterwards(link.stop)
  await place.start({ backend: { port: link.port } })
  const client = await place.logIn()
  await client.dialogue('> MKD in', '< 257')
  await silent('FtpsGatewayBackendSlow')
  link.slow(700)
  for (let i = 0; i < 4; i++) await client.dialogue(`> MKD in/${i}`, '< 257')
  expect((await firing('FtpsGatewayBackendSlow')).labels).toMatchObject({ backend: 'main' })
})

test('FtpsGatewayBackendUploadsBroken: the account may not write when uploads are tried out', async () => {
  const running = await place.start({ backend: { preflight: 'acme' } })
  await running.told('backend.preflight')
  await silent('FtpsGatewayBackendUploadsBroken')
  chmodSync(place.sshd.home, 0o555)
  // A backend is tried out again when something of it has changed.
  running.configure({ upload: { fsync: 'off' } })
  running.signal('SIGHUP')
  await running.told('config.reloaded')
  const { labels } = await firing('FtpsGatewayBackendUploadsBroken')
  expect(labels).toMatchObject({ backend: 'main', severity: 'warning' })
})

test('FtpsGatewayTransferFailures: the disk of the backend is full', async () => {
  const disk = join(place.sshd.home, 'disk')
  mkdirSync(disk)
  place.afterwards(await mountTmpfs(disk, place.sshd.user, '256k'))
  await place.start()
  const client = await place.logIn()
  await client.dialogue('> CWD disk', '< 250')
  expect((await client.transfer('STOR small', Buffer.alloc(1000))).code).toBe(226)
  await silent('FtpsGatewayTransferFailures')
  expect((await client.transfer('STOR large', Buffer.alloc(1_000_000))).code).toBe(452)
  const { labels, annotations } = await firing('FtpsGatewayTransferFailures')
  expect(labels).toMatchObject({ partner: 'acme', severity: 'warning' })
  expect(annotations['description']).toContain('of partner acme failed')
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { startOnFreePort } from '../support/free-port.ts'
import { ground } from '../support/ground.ts'
import type { OldServerUnderTest } from '../support/old-server.ts'
import { program } from '../support/packages.ts'
import { startProftpdFtps } from '../support/proftpd-ftps.ts'
import { run, runOk } from '../support/run.ts'
import { startVsftpd } from '../support/vsftpd.ts'

let folder: string
let node: string
const servers = new Map<string, OldServerUnderTest>()
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'newer-node-'))
  await runOk('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, 'node@24'], {
    timeoutMs: 240_000,
  })
  node = join(folder, 'node_modules/node/bin/node')
  servers.set('vsftpd', await startVsftpd({ requireReuse: true }))
  servers.set('ProFTPD 1.2', await startProftpdFtps('TLSv1.2'))
  servers.set('ProFTPD 1.3', await startProftpdFtps('TLSv1.3'))
}, 300_000)
afterAll(async () => {
  for (const server of servers.values()) await server.stop()
  rmSync(folder, { recursive: true })
})

/** Since 24.17 Node binds sessions to the host that it has checked (CVE-2026-48934), where it has checked one. */
test.each(
  ['vsftpd', 'ProFTPD 1.2', 'ProFTPD 1.3'].flatMap((name) => [
    [name, 'known by its authority', 'ca'],
    [name, 'known by its fingerprint', 'fingerprints'],
    [name, 'not looked at', 'verify'],
  ]),
)('on Node 24 data connections continue the TLS session of %s, %s', async (name, _, how) => {
  const server = servers.get(name)
  if (!server) throw new Error(`there is no ${name}`)
  const print = ['x509', '-in', server.certificate, '-noout', '-fingerprint', '-sha256']
  const fingerprint = (await runOk(program('openssl'), print)).toString().trim().split('=')[1]
  const tls = { ca: { ca: server.certificate }, fingerprints: { fingerprints: [`SHA256:${fingerprint}`] } }[how]
  const { runFolder } = await ground()
  const place = mkdtempSync(join(runFolder, 'relay-'))
  const { daemon, port } = await startOnFreePort(/^220/, (candidate): Promise<Daemon> => {
    const old = { name: 'old', type: 'ftps', host: server.host, port: server.port, tls: tls ?? { verify: 'off' } }
    const settings = {
      version: 1,
      listeners: [{ name: 'explicit', address: '127.0.0.1', port: candidate, tls: 'explicit' }],
      passive: { ports: 0 },
      backends: [old],
      defaults: { phase: 'legacy', legacy: 'old' },
      state: { directory: 'state' },
      admin: 'off',
    }
    const file = join(place, 'gateway.yaml')
    writeFileSync(file, JSON.stringify(settings))
    return startDaemon(node, ['dist/main.js', 'serve', '--config', file], { runFolder })
  })
  try {
    const login = `user = "${server.user.name}:${server.user.password}"`
    const url = `url = "ftp://127.0.0.1:${port}/"`
    const input = [login, 'insecure', 'ssl-reqd', 'silent', 'show-error', 'verbose', url, url].join('\n')
    const { code, stderr } = await run(program('curl'), ['-q', '--config', '-'], { input })
    expect({ code, stderr }).toMatchObject({ code: 0 })
  } finally {
    await daemon.stop()
  }
})

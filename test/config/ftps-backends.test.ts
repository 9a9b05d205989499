import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { describeConfig } from '../../src/config/describe.ts'
import { configOf, faultsOf, partnerFaults, pin, smallest } from './folder.ts'

const old = '{ name: old, type: ftps, host: ftp.internal }'

function gateway(backends: string, rest = ''): string {
  return `version: 1\nbackends: [${backends}]\n${rest}`
}

const allLegacy = 'defaults: { phase: legacy, legacy: old }\n'

test('a gateway may have nothing but an old server, with everybody relayed to it', async () => {
  const config = await configOf({ 'gateway.yaml': gateway(old, allLegacy) })
  expect(config.backends).toEqual([])
  expect(config.defaults).toMatchObject({ backend: '', phase: 'legacy', legacy: 'old' })
  expect(config.oldServers).toEqual([
    {
      name: 'old',
      host: 'ftp.internal',
      port: 21,
      tls: { mode: 'explicit', ca: undefined, fingerprints: [], verify: true, minVersion: 'TLSv1.2' },
      timeouts: { connectMs: 10_000, loginMs: 45_000, requestMs: 60_000, closeMs: 300_000 },
    },
  ])
})

test('what is printed of an old server reads as the same configuration again', async () => {
  const config = await configOf({ 'gateway.yaml': gateway(old, allLegacy) })
  expect(await configOf({ 'gateway.yaml': describeConfig(config) })).toEqual(config)
})

test('implicit TLS has its own port', async () => {
  const server = '{ name: old, type: ftps, host: ftp.internal, tls: { mode: implicit } }'
  const config = await configOf({ 'gateway.yaml': gateway(server, allLegacy) })
  expect(config.oldServers[0]?.port).toBe(990)
})

test.each([
  [`{ name: old, type: ftps, host: a, hostKeys: ["SHA256:${'A'.repeat(43)}"] }`, 'needs type: sftp'],
  ['{ name: old, type: ftps, host: a, stripe: 2 }', 'needs type: sftp'],
  ['{ name: old, type: ftps, host: a, timeouts: { reconnect: 1s } }', 'needs type: sftp'],
  ['{ name: old, type: ftps, host: a, tls: { fingerprints: ["SHA256:12"] } }', 'a fingerprint in hex'],
  [`{ name: old, type: ftps, host: a, tls: { verify: off, fingerprints: ["SHA256:${'AB'.repeat(32)}"] } }`, 'exclude'],
  ['{ name: old, type: ftps, host: a, tls: { ca: missing.pem } }', 'missing.pem'],
])('what means nothing for an old server is a fault: %s', async (server, fault) => {
  const faults = await faultsOf({ 'gateway.yaml': gateway(server, allLegacy) })
  expect(faults.join('\n')).toContain(fault)
})

test('TLS of its own means nothing for an SFTP server', async () => {
  const faults = await faultsOf({ 'gateway.yaml': gateway('{ name: a, host: a, tls: { mode: implicit } }') })
  expect(faults.join('\n')).toContain('backends[0].tls: needs type: ftps')
})

test('the phase legacy needs an old server, and every other one an SFTP server', async () => {
  expect((await faultsOf({ 'gateway.yaml': gateway(old) })).join('\n')).toContain('names no SFTP server')
  const nameless = await faultsOf({ 'gateway.yaml': gateway(old, 'defaults: { phase: legacy }\n') })
  expect(nameless.join('\n')).toContain('defaults.legacy: is missing')
  const wrong = await faultsOf({ 'gateway.yaml': `${smallest}defaults: { phase: legacy, legacy: main }\n` })
  expect(wrong.join('\n')).toContain('backend "main" is not of type ftps')
})

test('a partner in the phase legacy names its old server, or has the default', async () => {
  const faults = await partnerFaults('name: acme\nmatch: { users: [acme] }\nphase: legacy\n')
  expect(faults.join('\n')).toContain('legacy needs a backend of type ftps')
  const globals = `${gateway(`{ name: main, host: a, hostKeys: ["SHA256:${'A'.repeat(43)}"] }, ${old}`)}partners: p.yaml\n`
  const partner = 'name: acme\nmatch: { users: [acme] }\nphase: legacy\nlegacy: old\n'
  const { partners } = await configOf({ 'gateway.yaml': globals, 'p.yaml': partner })
  expect(partners).toMatchObject([{ name: 'acme', migration: { phase: 'legacy' }, legacy: 'old', backend: 'main' }])
})

test('the example of deploy/relay.md loads as it stands, once the server is filled in', async () => {
  const document = readFileSync(new URL('../../deploy/relay.md', import.meta.url), 'utf8')
  const blocks = [...document.matchAll(/```yaml\n# (\S+)\n([^`]*)```/g)]
  const files = Object.fromEntries(blocks.map(([, name, text]) => [name, text?.replace('SHA256:…', pin)]))
  const config = await configOf({ ...files, 'tls/old-server-ca.pem': 'an authority' } as Record<string, string>)
  expect(config.oldServers).toMatchObject([{ name: 'old', host: 'ftp.internal' }])
  expect(config.partners).toMatchObject([{ name: 'acme', migration: { phase: 'legacy' } }])
})

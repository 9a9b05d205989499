import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { noLimits } from '../../src/config/limits.ts'
import { gatewaySchema, partnerSchema } from '../../src/config/schema.ts'
import { type Entries, keysOf } from '../../src/config/table.ts'
import { configOf, hash, pin } from './folder.ts'

const gateway = await example('gateway.yaml')
const acme = await example('partners.d/acme.yaml')

async function example(name: string): Promise<string> {
  const text = await readFile(new URL(`../../config/${name}`, import.meta.url), 'utf8')
  return text.replace('SHA256:put-the-fingerprint-of-the-server-here', pin).replace(/\$scrypt\$put[\w-]*/, hash)
}

/** Settings are commented out by a `#` right before them; prose has one space behind its `#`, or spaces before it. */
function allSettings(text: string): string {
  return text.replace(/^#(?! \S)(?=.)/gm, '')
}

const files = {
  'gateway.yaml': gateway,
  known_hosts: 'sftp.internal ssh-ed25519 AAAA',
  'tls/cert.pem': 'a certificate',
  'tls/key.pem': 'its key',
  'tls/clients-ca.pem': 'an authority',
  'tls/clients-crl.pem': 'its list',
  'tls/old-server-ca.pem': 'another authority',
  'partners.d/acme.yaml': acme,
  'partners.d/keys/acme': 'a private key',
}

test('the example works as it is, once the server is filled in', async () => {
  const config = await configOf({ 'gateway.yaml': gateway })
  expect(config.backends).toMatchObject([{ name: 'main', host: 'sftp.internal', hostKeys: [pin] }])
  expect(config.listeners.map(({ port }) => port)).toEqual([21, 990])
})

const asGlobals = {
  sessionReuse: undefined,
  active: undefined,
  greetingDelayMs: undefined,
  minTls: undefined,
  clientCertificates: 'off',
  clientCa: undefined,
  clientCrl: undefined,
}

test('the defaults in the example are the defaults', async () => {
  const plain = await configOf({ 'gateway.yaml': gateway })
  // Files of authorities, and certificates of partners, need a listener that asks for certificates.
  const all = allSettings(gateway).replace('clientCertificates: off', 'clientCertificates: request')

  const full = await configOf({ ...files, 'gateway.yaml': all })
  const [backend] = full.backends
  expect({
    ...full,
    // Of the globals where nothing is said.
    listeners: full.listeners.map((listener) => ({ ...listener, ...asGlobals })),
    // Without rules nobody is told another address.
    passive: { ...full.passive, advertiseFor: [] },
    tls: { ...full.tls, certificates: [] },
    defaults: { ...full.defaults, legacy: undefined, limits: noLimits },
    backends: [{ ...backend, knownHosts: undefined, preflight: undefined, capabilities: {} }],
    oldServers: [],
    partners: [],
    state: { directory: undefined },
    logging: { ...full.logging, transferLog: undefined, audit: undefined },
    migration: { ...full.migration, publicSftp: undefined, link: undefined, contact: undefined, freezes: [] },
  }).toEqual(plain)
  expect(full).toMatchObject({ tls: { certificates: [{}] }, partners: [{ name: 'acme' }] })
  expect(full.logging.transferLog).toEqual({ file: expect.stringMatching(/^\/.*\/transfers\.log$/), format: 'json' })
  expect([backend?.knownHosts, full.state.directory]).toEqual([
    expect.stringMatching(/known_hosts$/),
    expect.stringMatching(/state$/),
  ])
})

test('the example partner loads, with its own settings and with all', async () => {
  const globals = `${gateway}partners: partners.d/*.yaml\n`
  const { partners } = await configOf({ ...files, 'gateway.yaml': globals })
  expect(partners).toMatchObject([
    { name: 'acme', users: ['acme', 'acme_test'], auth: { mode: 'local' }, root: undefined },
  ])
  // Settings that exclude each other stand side by side in the example.
  const all = allSettings(acme)
    .replace('\n  username: acme-in', '')
    .replace(/\n +password: .*/, '')
    .replace(/\n +agent: .*/, '')
    .replace(/\nbackend: .*/, '')
    .replace(/\n {2}(every|delay): .*/g, '')
    .replace(/\npaths:\n(?:[ #-].*\n)+/, '')
  const old = /^#( {2}- name: old\n)#( {4}type: ftps\n)#( {4}host: ftp.internal\n)/m
  const asking = `${globals}listeners: [{ name: explicit, clientCertificates: request, clientCa: tls/clients-ca.pem }]\n`
  const full = await configOf(
    { ...files, 'gateway.yaml': asking.replace(old, '$1$2$3'), 'partners.d/acme.yaml': all },
    { ACME_KEY_PASSPHRASE: 'open sesame' },
  )
  expect(full.partners).toMatchObject([
    { auth: { proof: { passphrase: 'open sesame' } }, root: '/data/partners/acme', backend: 'main' },
  ])
})

test.each<[string, Entries, string]>([
  ['config/gateway.yaml', gatewaySchema, gateway],
  ['config/partners.d/acme.yaml', partnerSchema, acme],
])('%s shows every key there is', (_, schema, text) => {
  const shown: unknown = parse(allSettings(text))
  const missing = keysOf(schema).filter((key) => !has(shown, key))
  expect(missing).toEqual([])
})

function has(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true
  if (Array.isArray(value)) return value.some((item) => has(item, [key, ...rest]))
  if (typeof value !== 'object' || value === null || !(key in value)) return false
  return has(Object.entries(value).find(([name]) => name === key)?.[1], rest)
}

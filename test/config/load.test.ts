import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { noLimits } from '../../src/config/limits.ts'
import { loadConfig } from '../../src/config/load.ts'
import { usualDialect } from '../../src/ftp/dialect.ts'
import { configOf, configWith, faultsOf, faultsWith, hash, inFolder, pin, smallest } from './folder.ts'

test('the smallest useful file means explicit, implicit, 50000-51000, a self-made certificate and pass-through to main', async () => {
  const config = await configWith('')
  expect(config).toMatchObject({
    listeners: [
      { name: 'explicit', address: '::', port: 21, tls: 'explicit', requireTls: true },
      { name: 'implicit', address: '::', port: 990, tls: 'implicit', requireTls: true },
    ],
    passive: {
      ports: { first: 50000, last: 51000 },
      advertise: 'auto',
      advertiseFor: [],
      slice: { index: 0, count: 1 },
    },
    active: { sourcePort: { first: 0, last: 0 } },
    tls: { certificates: [], minVersion: 'TLSv1.2' },
    dialect: usualDialect,
    backends: [
      {
        name: 'main',
        host: 'sftp.internal',
        port: 22,
        hostKeys: [pin],
        knownHosts: undefined,
        timeouts: { connectMs: 10_000, loginMs: 45_000, requestMs: 60_000, closeMs: 300_000 },
        health: { everyMs: 30_000, timeoutMs: 5_000 },
        stripe: 1,
        pool: { connections: 4, idleMs: 60_000 },
      },
    ],
    defaults: { backend: 'main' },
    partners: [],
    admin: { address: '127.0.0.1', port: 9464 },
    logging: { level: 'info', format: 'auto' },
    state: { directory: undefined },
    limits: {
      sessions: 1000,
      sessionsPerAddress: 50,
      loginAttempts: 3,
      refusalsPerAddress: 20,
      bytesInFlightPerTransfer: 16 * 1024 ** 2,
      bytesInFlight: 256 * 1024 ** 2,
    },
    timeouts: { loginMs: 60_000, idleMs: 900_000, handshakeMs: 30_000, dataConnectMs: 60_000, dataStallMs: 300_000 },
    upload: { fsync: 'auto', verify: 'size', keepPartialMs: 86_400_000 },
    shutdown: { drainMs: 900_000 },
  })
})

/** Section 8 of the design, word for word but for the placeholders. */
const fuller = `version: 1
listeners:
  - { name: explicit, address: 127.0.0.1, port: 2121, tls: explicit }
  - { name: implicit, address: 127.0.0.1, port: 2990, tls: implicit }
passive: { ports: 50000-50099, advertise: 127.0.0.1 }
tls: { certificates: [{ cert: tls/cert.pem, key: tls/key.pem }] }
backends:
  - { name: main, host: 127.0.0.1, port: 2222, hostKeys: ["${pin}"] }
admin: { address: 127.0.0.1, port: 9464 }
state: { directory: state }
partners: partners.d/*.yaml
`
const acme = `# partners.d/acme.yaml
name: acme
match: { users: [acme] }
auth:
  mode: local                      # passthrough | local | learn | certificate
  passwordHash: "${hash}"        # made by: ftps-gateway hash-password
  sftp: { username: acme-in, privateKey: keys/acme }
backend: main
root: /data/partners/acme          # the client's / on the backend
phase: gateway                     # legacy | gateway | notice | brownout | retired | auto
`
const fullerFiles = {
  'gateway.yaml': fuller,
  'partners.d/acme.yaml': acme,
  'partners.d/keys/acme': 'a private key',
  'tls/cert.pem': 'a certificate',
  'tls/key.pem': 'its key',
}

test('the fuller example of the design loads word for word, with paths relative to the file that names them', async () => {
  await inFolder(fullerFiles, async (folder) => {
    const config = await loadConfig(join(folder, 'gateway.yaml'), {})
    expect(config.tls.certificates).toEqual([{ cert: join(folder, 'tls/cert.pem'), key: join(folder, 'tls/key.pem') }])
    expect(config.listeners.map(({ port }) => port)).toEqual([2121, 2990])
    expect(config.passive).toMatchObject({ ports: { first: 50000, last: 50099 }, advertise: '127.0.0.1' })
    expect(config.state.directory).toBe(join(folder, 'state'))
    expect((await stat(join(folder, 'state'))).isDirectory()).toBe(true)
    expect(config.partners).toEqual([
      {
        name: 'acme',
        migration: { phase: 'gateway', timeline: {}, owner: {} },
        users: ['acme'],
        certificates: [],
        auth: {
          mode: 'local',
          passwordHash: hash,
          username: 'acme-in',
          proof: { kind: 'privateKey', privateKey: 'a private key', passphrase: undefined },
        },
        backend: 'main',
        root: '/data/partners/acme',
        limits: noLimits,
        dialect: {
          upload: {},
          tls: {},
          passive: {},
          active: {},
          commands: {},
          hash: {},
          listing: {},
          ascii: {},
          names: {},
        },
      },
    ])
  })
})

test('the result is frozen through and through', async () => {
  const config = await configOf(fullerFiles)
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    expect(Object.isFrozen(value)).toBe(true)
    for (const inner of Object.values(value)) visit(inner)
  }
  visit(config)
})

test('every fault of all files is reported at once, each with its place', async () => {
  const faults = await faultsOf({
    'gateway.yaml': fuller.replace('port: 2121', 'port: 99999').replace('tls: implicit', 'tls: implict'),
    'partners.d/acme.yaml': acme.replace('root: /data', 'root: data'),
    'partners.d/beta.yaml': 'name: beta\nmatch: { users: [acme] }\nbackend: mian\n',
    'partners.d/keys/acme': 'a private key',
    'tls/key.pem': 'its key',
  })
  expect(faults).toEqual([
    'gateway.yaml:3:49 listeners[0].port: must be a port, 1 to 65535, or 0 for any free port, not "99999"',
    'gateway.yaml:4:60 listeners[1].tls: must be one of explicit, implicit, off, not "implict" (did you mean "implicit"?)',
    'gateway.yaml:6:31 tls.certificates[0].cert: tls/cert.pem does not exist',
    'partners.d/acme.yaml:9:7 root: must be an absolute path such as /data/partners/acme, without "." and ".." in it, not "data/partners/acme"',
    'partners.d/beta.yaml:2:18 match.users[0]: user "acme" is in partners.d/acme.yaml:3:18 already',
    'partners.d/beta.yaml:3:10 backend: no backend is named "mian" (did you mean "main"?)',
  ])
})

test('a file with faults changes nothing: the state directory is not made', async () => {
  await inFolder({ 'gateway.yaml': `${smallest}state: { directory: state }\nnonsense: 1\n` }, async (folder) => {
    await expect(loadConfig(join(folder, 'gateway.yaml'), {})).rejects.toThrow('nonsense')
    await expect(stat(join(folder, 'state'))).rejects.toThrow('ENOENT')
  })
})

test.each([
  ['listners: []', '4:1 listners: is not a known key (did you mean "listeners"?)'],
  ['logging: { levl: info }', '4:12 logging.levl: is not a known key (did you mean "level"?)'],
  ['logging: { zebra: 1 }', '4:12 logging.zebra: is not a known key'],
  ['passive: { proxyProtocol: on }', '4:12 passive.proxyProtocol: is not in this version yet'],
  ['upload: { mode: stage }', '4:17 upload.mode: must be one of atomic, in-place, staging, not "stage"'],
  [
    'upload: { staging: ../up }',
    '4:20 upload.staging: must be a folder on the backend such as .incoming or /data/incoming, without "." and ".." in it, not "../up"',
  ],
  ['__proto__: { polluted: true }', '4:1 __proto__: is not a known key'],
  ['constructor: { prototype: { polluted: true } }', '4:1 constructor: is not a known key'],
  ['logging: { __proto__: { level: debug } }', '4:12 logging.__proto__: is not a known key'],
  ['logging: { level: debug, level: info }', '4:26 logging.level: is written twice'],
  ['logging: debug', '4:10 logging: must be a map of keys and values, not "debug"'],
  ['logging: { level: [debug] }', '4:19 logging.level: must be one of trace, debug, info, warn, error, not a list'],
  ['listeners: explicit', '4:12 listeners: must be a list, such as [a, b], not "explicit"'],
  ['listeners: []', '4:12 listeners: must have at least one listener'],
  ['listeners: [x]', '4:13 listeners[0]: must be a map of keys and values, not "x"'],
  ['admin: on', '4:8 admin: must be a map of keys and values, or off, not "on"'],
  ['partners: nowhere/*.yaml', '4:11 partners: nowhere does not exist'],
  ['partners: "*/acme.yaml"', '4:11 partners: "*" can stand only in the last part of the path'],
  ['partners: none.yaml', 'none.yaml:1:1 file: does not exist'],
  ['state: { directory: gateway.yaml }', '4:21 state.directory: gateway.yaml is not a directory'],
  ['defaults: { backend: other }', '4:22 defaults.backend: no backend is named "other"'],
  [
    'limits: { bytesInFlight: 1MiB }',
    '4:9 limits.bytesInFlightPerTransfer: is more than limits.bytesInFlight, which all transfers share',
  ],
  [
    'tls: { minVersion: TLSv1.3, sessionReuse: require }',
    '4:43 tls.sessionReuse: cannot be "require" with tls.minVersion TLSv1.3: clients use a ticket of TLS 1.3 once',
  ],
])('%s is reported as %s', async (settings, fault) => {
  expect(await faultsWith(settings)).toEqual([fault.replace(/^(?=\d)/, 'gateway.yaml:')])
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})

test.each([
  [
    '',
    ['1:1 version: is missing; write "version: 1"', '1:1 backends: is missing; it must name at least one SFTP server'],
  ],
  ['[]', ['1:1 yaml: must be a map of keys and values, not a list']],
  [
    'version: 2',
    ['1:1 backends: is missing; it must name at least one SFTP server', '1:10 version: must be 1, not "2"'],
  ],
])('the file %j is refused', async (text, faults) => {
  expect(await faultsOf({ 'gateway.yaml': text })).toEqual(faults.map((fault) => `gateway.yaml:${fault}`))
})

test('a configuration file that does not exist or is a folder is one clear fault', async () => {
  expect(await faultsOf({})).toEqual(['gateway.yaml:1:1 file: does not exist'])
  expect(await faultsOf({ 'gateway.yaml/x': '' })).toEqual(['gateway.yaml:1:1 file: is not a file'])
})

const backend = (settings: string) => `version: 1\nbackends:\n  - { name: main, host: a, ${settings} }\n`
test('no pin, no start: a backend needs host keys or a known_hosts file that can be read', async () => {
  const [missing, ...others] = await faultsOf({ 'gateway.yaml': backend('port: 22') })
  expect(missing).toMatch(
    /^gateway.yaml:3:5 backends\[0\].hostKeys: is missing, and knownHosts too: no pin, no start; /,
  )
  expect(others).toEqual([])
  expect(await faultsOf({ 'gateway.yaml': backend('knownHosts: known') })).toEqual([
    'gateway.yaml:3:40 backends[0].knownHosts: known does not exist',
  ])
  expect(await faultsOf({ 'gateway.yaml': backend('knownHosts: known'), known: ' \n' })).toEqual([
    'gateway.yaml:3:40 backends[0].knownHosts: known is empty',
  ])
  expect(await faultsOf({ 'gateway.yaml': backend('knownHosts: known'), known: 'a ssh-ed25519 AAAA' })).toEqual([])
})

test('the placeholder for a fingerprint is refused', async () => {
  const [fault] = await faultsOf({ 'gateway.yaml': backend('hostKeys: ["SHA256:…"]') })
  expect(fault).toMatch(
    /^gateway.yaml:3:39 backends\[0\].hostKeys\[0\]: must be a fingerprint as `ssh-keygen -lf` prints/,
  )
})

test('capabilities that are no such are reported with their place', async () => {
  const settings = 'capabilities: { rename: mv, readBytes: 1KiB, channels: 0, stripes: yes, symlinks: true }'
  expect(await faultsOf({ 'gateway.yaml': backend(`hostKeys: ["${pin}"], ${settings}`) })).toEqual([
    'gateway.yaml:3:118 backends[0].capabilities.rename: must be one of posix, swap, plain, none, not "mv"',
    'gateway.yaml:3:133 backends[0].capabilities.readBytes: must be a size such as 32KiB, 4KiB to 255KiB, not "1KiB"',
    'gateway.yaml:3:149 backends[0].capabilities.channels: must be a whole number from 1 to 64, not "0"',
    'gateway.yaml:3:161 backends[0].capabilities.stripes: must be true or false, not "yes"',
    'gateway.yaml:3:166 backends[0].capabilities.symlinks: is not a known key (did you mean "symlink"?)',
  ])
})

test('with several backends somebody has to say which one is for users of no partner', async () => {
  const second = `  - { name: other, host: b, hostKeys: ["${pin}"] }\n`
  const [fault] = await faultsWith(second)
  expect(fault).toContain('defaults.backend: is missing; with several backends')
  const config = await configWith(`${second}defaults: { backend: other }\n`)
  expect(config.defaults.backend).toBe('other')
})

test('admin: off means no admin port', async () => {
  expect((await configWith('admin: off\n')).admin).toBeUndefined()
})

test('keys without a value mean the same as no keys', async () => {
  expect(await configWith('admin:\nlogging:\n  level:\ntimeouts: ~\npartners: null\n')).toEqual(await configWith(''))
})

test('a backend that is faulty itself is not reported as missing too', async () => {
  const faults = await faultsOf({
    'gateway.yaml': `version: 1\nbackends: [{ name: main, hostKeys: ["${pin}"] }]\npartners: a.yaml\n`,
    'a.yaml': 'name: a\nmatch: { users: [a] }\nbackend: main\n',
  })
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain('backends[0].host: is missing')
})

import { mkdir, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { configOf, configWith, faultsOf, faultsWith, hash, inFolder, partnerFaults, pin, smallest } from './folder.ts'

test('the smallest useful file means explicit, implicit, 50000-51000, a self-made certificate and pass-through to main', async () => {
  const config = await configWith('')
  expect(config).toMatchObject({
    listeners: [
      { name: 'explicit', address: '::', port: 21, tls: 'explicit', requireTls: true },
      { name: 'implicit', address: '::', port: 990, tls: 'implicit', requireTls: true },
    ],
    passive: { ports: { first: 50000, last: 51000 }, advertise: 'auto' },
    tls: { certificates: [], minVersion: 'TLSv1.2', sessionReuse: 'prefer' },
    backends: [
      {
        name: 'main',
        host: 'sftp.internal',
        port: 22,
        hostKeys: [pin],
        knownHosts: undefined,
        timeouts: { connectMs: 10_000, loginMs: 45_000, requestMs: 60_000, closeMs: 300_000 },
        health: { everyMs: 30_000, timeoutMs: 5_000 },
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
      bytesInFlightPerTransfer: 16 * 1024 ** 2,
      bytesInFlight: 256 * 1024 ** 2,
    },
    timeouts: { loginMs: 60_000, idleMs: 900_000, handshakeMs: 30_000, dataConnectMs: 60_000, dataStallMs: 300_000 },
    upload: { endOfData: 'require', fsync: 'auto' },
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
    expect(config.passive).toEqual({ ports: { first: 50000, last: 50099 }, advertise: '127.0.0.1' })
    expect(config.state.directory).toBe(join(folder, 'state'))
    expect((await stat(join(folder, 'state'))).isDirectory()).toBe(true)
    expect(config.partners).toEqual([
      {
        name: 'acme',
        users: ['acme'],
        auth: {
          mode: 'local',
          passwordHash: hash,
          username: 'acme-in',
          privateKey: 'a private key',
          passphrase: undefined,
        },
        backend: 'main',
        root: '/data/partners/acme',
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
  ['migration: {}', '4:1 migration: is not in this version yet'],
  ['upload: { mode: staging }', '4:11 upload.mode: is not in this version yet'],
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

test('with several backends somebody has to say which one is for users of no partner', async () => {
  const second = `  - { name: other, host: b, hostKeys: ["${pin}"] }\n`
  const [fault] = await faultsWith(second)
  expect(fault).toContain('defaults.backend: is missing; with several backends')
  const config = await configWith(`${second}defaults: { backend: other }\n`)
  expect(config.defaults.backend).toBe('other')
})

test('names of backends and listeners are unique', async () => {
  expect(await faultsWith(`  - { name: main, host: b, hostKeys: ["${pin}"] }\ndefaults: { backend: main }`)).toEqual([
    'gateway.yaml:4:13 backends[1].name: "main" is the name of backends[0] already',
  ])
  expect(await faultsWith('listeners: [{ name: a, port: 1 }, { name: a, port: 2 }]')).toEqual([
    'gateway.yaml:4:43 listeners[1].name: "a" is the name of listeners[0] already',
  ])
})

test.each([
  ['[{ name: a, port: 21 }, { name: b, port: 21 }]', '21 on :: is the port of listener a already'],
  [
    '[{ name: a, address: "::" }, { name: b, address: 127.0.0.1 }]',
    '21 on 127.0.0.1 is the port of listener a already',
  ],
  ['[{ name: a, address: 0.0.0.0 }, { name: b, address: 127.0.0.1 }]', '21 on 127.0.0.1 is the port of listener a'],
  ['[{ name: a, address: "::1" }, { name: b, address: "0:0:0:0:0:0:0:1" }]', '21 on ::1 is the port of listener a'],
  ['[{ name: a, port: 9464 }]', '9464 on 127.0.0.1 is the port of listener a already'],
  ['[{ name: a, port: 50021 }]', '50021 is one of passive.ports 50000-51000, which belong to data connections'],
])('listeners that cannot all be opened are a fault: %s', async (listeners, fault) => {
  const faults = await faultsWith(`listeners: ${listeners}`)
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain(fault)
})

test('listeners on port 0, on other addresses or of other families do not collide', async () => {
  const listeners = `listeners:
  - { name: a, port: 0 }
  - { name: b, port: 0 }
  - { name: c, address: 127.0.0.1 }
  - { name: d, address: 127.0.0.2 }
  - { name: e, address: "::1" }
`
  expect(await faultsWith(listeners)).toEqual([])
})

test('requireTls is on wherever there is TLS, and cannot be on where there is none', async () => {
  const config = await configWith(
    'listeners: [{ name: a }, { name: b, tls: implicit }, { name: c, port: 2021, tls: off }, { name: d, port: 2121, requireTls: false }]',
  )
  expect(config.listeners.map(({ port, requireTls }) => [port, requireTls])).toEqual([
    [21, true],
    [990, true],
    [2021, false],
    [2121, false],
  ])
  expect(await faultsWith('listeners: [{ name: c, tls: off, requireTls: true }]')).toEqual([
    'gateway.yaml:4:46 listeners[0].requireTls: cannot be true with tls: off',
  ])
})

test('admin: off means no admin port', async () => {
  expect((await configWith('admin: off\n')).admin).toBeUndefined()
})

test('keys without a value mean the same as no keys', async () => {
  expect(await configWith('admin:\nlogging:\n  level:\ntimeouts: ~\npartners: null\n')).toEqual(await configWith(''))
})

test('only files that the pattern names are partners, in the order of their names', async () => {
  const partner = (name: string) => `name: ${name}\nmatch: { users: [${name}] }\n`
  const config = await configOf({
    'gateway.yaml': `${smallest}partners: partners.d/p-*.yaml\n`,
    'partners.d/p-b.yaml': partner('b'),
    'partners.d/p-a.yaml': partner('a'),
    'partners.d/.p-c.yaml.swp': partner('c'),
    'partners.d/p-d.yaml~': partner('d'),
    'partners.d/x-e.yaml': partner('e'),
  })
  expect(config.partners.map(({ name }) => name)).toEqual(['a', 'b'])
})

test('a pattern does not mean dot files, such as those that editors leave behind', async () => {
  const config = await configOf({
    'gateway.yaml': `${smallest}partners: partners.d/*.yaml\n`,
    'partners.d/a.yaml': 'name: a\nmatch: { users: [a] }\n',
    'partners.d/.b.yaml': 'half of a fi',
  })
  expect(config.partners.map(({ name }) => name)).toEqual(['a'])
})

test('partner files may be links, as Kubernetes mounts them', async () => {
  const files = { 'gateway.yaml': `${smallest}partners: p/*.yaml\n`, 'real/a': 'name: a\nmatch: { users: [a] }\n' }
  await inFolder(files, async (folder) => {
    await mkdir(join(folder, 'p'))
    await symlink('../real/a', join(folder, 'p/a.yaml'))
    const { partners } = await loadConfig(join(folder, 'gateway.yaml'), {})
    expect(partners).toHaveLength(1)
  })
})

test('a partner without auth is passed through, to the default backend, with all of it in sight', async () => {
  const config = await configOf({
    'gateway.yaml': `${smallest}partners: acme.yaml\n`,
    'acme.yaml': 'name: acme\nmatch: { users: [acme, Müller] }\n',
  })
  const auth = { mode: 'passthrough', username: undefined }
  expect(config.partners).toEqual([{ name: 'acme', users: ['acme', 'Müller'], auth, backend: 'main', root: undefined }])
})

const local = `passwordHash: "${hash}", sftp: { username: x, privateKey: key }`
test.each([
  ['name: acme', ['1:1 match.users: is missing; it must list at least one user name']],
  ['match: { users: [a] }', ['1:1 name: is missing; it must be a name of letters']],
  ['name: default\nmatch: { users: [a] }', ['1:7 name: "default" means logins that match no partner']],
  ['name: a\nmatch: { users: [a, b, a] }', ['2:24 match.users[2]: user "a" is in partners.d/acme.yaml:2:18 already']],
  ['name: a\nmatch: { users: [""] }', ['2:18 match.users[0]: must be a user name, not empty']],
  ['name: a\nmatch: { users: ["a\\0b"] }', ['2:18 match.users[0]: must be a user name, not empty']],
  ['name: a\nmatch: { users: [a] }\nphase: brownout', ['3:8 phase: "brownout" is not in this version yet']],
  ['name: a\nmatch: { users: [a] }\nauth: { mode: learn }', ['3:15 auth.mode: "learn" is not in this version yet']],
  ['name: a\nmatch: { users: [a] }\nbrownout: {}', ['3:1 brownout: is not in this version yet']],
  [
    `name: a\nmatch: { users: [a] }\nauth: { ${local} }`,
    [
      '3:23 auth.passwordHash: needs auth.mode: local',
      '3:133 auth.sftp.username: needs auth.mode: local',
      '3:148 auth.sftp.privateKey: needs auth.mode: local',
    ],
  ],
  [
    'name: a\nmatch: { users: [a] }\nauth: { mode: local, username: x }',
    [
      '3:7 auth.passwordHash: is missing; mode local needs',
      '3:7 auth.sftp.username: is missing; mode local needs',
      '3:7 auth.sftp.privateKey: is missing; mode local needs',
      '3:32 auth.username: needs auth.mode: passthrough',
    ],
  ],
  [
    `name: a\nmatch: { users: [a] }\nauth: { mode: local, ${local} }`,
    ['3:161 auth.sftp.privateKey: partners.d/key does not exist'],
  ],
])('partner file %j is refused', async (text, starts) => {
  const faults = await partnerFaults(text)
  expect(faults).toHaveLength(starts.length)
  for (const [i, start] of starts.entries()) expect(faults[i]).toContain(`partners.d/acme.yaml:${start}`)
})

test('two partners cannot have one name', async () => {
  const second = 'match: { users: [b] }\nname: acme\n'
  expect(await partnerFaults('name: acme\nmatch: { users: [a] }\n', { 'partners.d/b.yaml': second })).toEqual([
    'partners.d/b.yaml:2:7 name: partner "acme" is in partners.d/acme.yaml:1:7 already',
  ])
})

test('a backend that is faulty itself is not reported as missing too', async () => {
  const faults = await faultsOf({
    'gateway.yaml': `version: 1\nbackends: [{ name: main, hostKeys: ["${pin}"] }]\npartners: a.yaml\n`,
    'a.yaml': 'name: a\nmatch: { users: [a] }\nbackend: main\n',
  })
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain('backends[0].host: is missing')
})

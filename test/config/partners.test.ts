import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dialectEntries } from '../../src/config/dialect.ts'
import { noLimits } from '../../src/config/limits.ts'
import { loadConfig } from '../../src/config/load.ts'
import { changed, usualDialect } from '../../src/ftp/dialect.ts'
import { configOf, faultsOf, hash, inFolder, partnerFaults, smallest } from './folder.ts'

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
  const all = { name: 'acme', users: ['acme', 'Müller'], certificates: [], auth, backend: 'main', root: undefined }
  expect(config.partners).toEqual([
    {
      ...all,
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

test('a partner file says how FTP is spoken with its clients, where that is not what the globals say', async () => {
  const config = await configOf({
    'gateway.yaml': `${smallest}partners: acme.yaml\nupload: { endOfData: warn }\ncommands: { noop: immediate }\n`,
    'acme.yaml':
      'name: acme\nmatch: { users: [acme] }\nupload: { endOfData: require }\ntls: { sessionReuse: require }\n',
  })
  const everybody = changed(usualDialect, { upload: { endOfData: 'warn' }, commands: { noop: 'immediate' } })
  expect(config.dialect).toEqual(everybody)
  expect(changed(config.dialect, config.partners[0]?.dialect ?? {})).toEqual(
    changed(everybody, { upload: { endOfData: 'require' }, tls: { sessionReuse: 'require' } }),
  )
})

test('a partner file says how often an upload has to come', async () => {
  const { partners } = await configOf({
    'gateway.yaml': `${smallest}partners: "*.partner.yaml"\n`,
    'a.partner.yaml': 'name: a\nmatch: { users: [a] }\nexpect: { upload: { every: 26h, weekdays: true } }\n',
    'b.partner.yaml': 'name: b\nmatch: { users: [b] }\nexpect: { upload: { every: 31d } }\n',
    'c.partner.yaml': 'name: c\nmatch: { users: [c] }\n',
  })
  const hour = 3_600_000
  expect(partners.map((partner) => partner.expect)).toEqual([
    { everyMs: 26 * hour, weekdays: true },
    { everyMs: 31 * 24 * hour, weekdays: false },
    undefined,
  ])
})

const local = `passwordHash: "${hash}", sftp: { username: x, privateKey: key }`
test.each([
  ['name: acme', ['1:1 match.users: is missing; it must list at least one user name']],
  ['match: { users: [a] }', ['1:1 name: is missing; it must be a name of letters']],
  ['name: default\nmatch: { users: [a] }', ['1:7 name: "default" means logins that match no partner']],
  ['name: a\nmatch: { users: [a, b, a] }', ['2:24 match.users[2]: user "a" is in partners.d/acme.yaml:2:18 already']],
  ['name: a\nmatch: { users: [""] }', ['2:18 match.users[0]: must be a user name, not empty']],
  ['name: a\nmatch: { users: ["a\\0b"] }', ['2:18 match.users[0]: must be a user name, not empty']],
  ['name: a\nmatch: { users: [a] }\nphase: brownout', ['1:1 timeline.brownout: is missing; phase: brownout needs']],
  [
    'name: a\nmatch: { users: [a] }\nauth: { mode: learn, sftp: { username: x, password: y } }',
    ['3:15 auth.mode: learn needs state.directory in the main file'],
  ],
  ['name: a\nmatch: { users: [a] }\nshadow: {}', ['3:1 shadow: is not in this version yet']],
  [
    'name: a\nmatch: { users: [a] }\nexpect: { upload: { every: 30s } }',
    ['3:28 expect.upload.every: must be a time such as 90m, 26h or 31d'],
  ],
  [
    'name: a\nmatch: { users: [a] }\nexpect: { upload: { weekdays: true } }',
    ['3:19 expect.upload.every: is missing; weekdays alone says nothing'],
  ],
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

test.each([
  ['', undefined],
  [`, passwordHash: "${hash}"`, hash],
])('a partner whose password is learned needs an account on the backend%s', async (more, passwordHash) => {
  const { partners } = await configOf({
    'gateway.yaml': `${smallest}state: { directory: state }\npartners: a.partner.yaml\n`,
    'a.partner.yaml': `name: a\nmatch: { users: [a] }\nauth: { mode: learn, sftp: { username: x, password: y }${more} }\n`,
  })
  const proof = { kind: 'password' }
  expect(partners[0]?.auth).toMatchObject({ mode: 'learn', passwordHash, username: 'x', proof })
})

test('two partners cannot have one name', async () => {
  const second = 'match: { users: [b] }\nname: acme\n'
  expect(await partnerFaults('name: acme\nmatch: { users: [a] }\n', { 'partners.d/b.yaml': second })).toEqual([
    'partners.d/b.yaml:2:7 name: partner "acme" is in partners.d/acme.yaml:1:7 already',
  ])
})

describe('What only the SFTP side can tell', () => {
  const partner = [
    'name: acme',
    'match: { users: [acme] }',
    `auth: { mode: local, passwordHash: "${hash}", sftp: { username: in, privateKey: key } }`,
  ].join('\n')
  const files = { 'gateway.yaml': `${smallest}partners: partners.d/*.yaml\n`, 'partners.d/acme.yaml': partner }

  test('is reported with file, line and column like every other fault', async () => {
    const faults = await inFolder({ ...files, 'partners.d/key': 'no key' }, (folder) =>
      loadConfig(
        join(folder, 'gateway.yaml'),
        {},
        {
          privateKey: (text) => `is not a key: ${text}`,
          knownHosts: () => undefined,
          command: () => undefined,
          passwordHash: () => undefined,
        },
      ).catch((error) => `${error}`.replaceAll(`${folder}/`, '')),
    )
    expect(faults).toMatch(/^partners\.d\/acme\.yaml:3:\d+ auth\.sftp\.privateKey: is not a key: no key$/)
  })

  test('is asked of a known_hosts file too', async () => {
    const globals = 'version: 1\nbackends:\n  - { name: main, host: h, port: 2222, knownHosts: hosts }\n'
    const faults = await inFolder({ 'gateway.yaml': globals, hosts: 'text' }, (folder) =>
      loadConfig(
        join(folder, 'gateway.yaml'),
        {},
        {
          privateKey: () => undefined,
          command: () => undefined,
          passwordHash: () => undefined,
          knownHosts: (text, host, port) => `has nothing of ${host}:${port} in ${text}`,
        },
      ).catch((error) => `${error}`.replaceAll(`${folder}/`, '')),
    )
    expect(faults).toBe('gateway.yaml:3:52 backends[0].knownHosts: has nothing of h:2222 in text')
  })
})

test('a partner may enter the backend with a password in place of a key, and not with both', async () => {
  const start = `name: acme\nmatch: { users: [acme] }\nauth: { mode: local, passwordHash: "${hash}", sftp: { username: in, `
  const { partners } = await configOf({
    'gateway.yaml': `${smallest}partners: partners.d/*.yaml\n`,
    'partners.d/acme.yaml': `${start}password: "its own" } }\n`,
  })
  const [{ auth } = { auth: undefined }] = partners
  expect(auth).toMatchObject({ mode: 'local', username: 'in', proof: { kind: 'password' } })
  expect(auth?.mode === 'local' && auth.proof.kind === 'password' && auth.proof.password.reveal()).toBe('its own')
  expect(JSON.stringify(partners)).not.toContain('its own')
  const faults = await faultsOf({
    'gateway.yaml': `${smallest}partners: partners.d/*.yaml\n`,
    'partners.d/acme.yaml': `${start}password: x, privateKey: key } }\n`,
  })
  expect(faults.join()).toMatch(/auth\.sftp\.privateKey: and password exclude each other/)
})

test('whatever a partner file says of the dialect is in the partner’s dialect', async () => {
  const groups = Object.entries(dialectEntries).map(([group, keys]) => {
    const values = Object.entries(keys).map(([key, { fallback }]) => `${key}: ${fallback}`)
    return `${group}: { ${values.join(', ')} }\n`
  })
  const config = await configOf({
    'gateway.yaml': `${smallest}partners: acme.yaml\n`,
    'acme.yaml': `name: acme\nmatch: { users: [acme] }\n${groups.join('')}`,
  })
  expect(config.partners[0]?.dialect).toEqual(usualDialect)
})

const asking = `${smallest}partners: p/*.yaml\nlisteners: [{ name: a, clientCertificates: request, clientCa: gateway.yaml }]\n`
const digits = '0123456789abcdef'.repeat(4)

test('certificates are named as openssl prints them, or by their common name', async () => {
  const certificates = `["SHA256:${digits}", "CN=acme, Inc."]`
  const { partners } = await configOf({
    'gateway.yaml': asking,
    'p/a.yaml': `name: a\nmatch: { users: [a], certificates: ${certificates} }\nauth: { mode: certificate, sftp: { username: x, password: y } }\n`,
  })
  const fingerprint = digits.toUpperCase().replace(/..(?=.)/g, '$&:')
  expect(partners[0]?.certificates).toEqual([`SHA256:${fingerprint}`, 'CN=acme, Inc.'])
  expect(partners[0]?.auth).toMatchObject({ mode: 'certificate', username: 'x' })
})

test.each([
  [asking, 'certificates: [CN=x]', '', []],
  [`${smallest}partners: p/*.yaml\n`, 'certificates: [CN=x]', '', ['match.certificates: needs a listener with']],
  [asking, 'certificates: ["SHA256:12"]', '', ['match.certificates[0]: must be "SHA256:"']],
  [
    asking,
    '',
    'mode: certificate, sftp: { username: x, password: y }',
    ['match.certificates: is missing; mode certificate'],
  ],
  [
    asking,
    'certificates: [CN=x]',
    'mode: certificate',
    ['auth.sftp.username: is missing; mode certificate', 'auth.sftp.privateKey: is missing'],
  ],
  [
    asking,
    'certificates: [CN=x]',
    `mode: certificate, passwordHash: "${hash}", sftp: { username: x, password: y }`,
    ['auth.passwordHash: needs auth.mode: local'],
  ],
])('faults of certificates %#', async (globals, match, auth, expected) => {
  const partner = `name: a\nmatch: { users: [a], ${match} }\nauth: { ${auth} }\n`
  const faults = await faultsOf({ 'gateway.yaml': globals, 'p/a.yaml': partner })
  expect(faults).toHaveLength(expected.length)
  for (const words of expected) expect(faults.join('\n')).toContain(words)
})

test('a certificate belongs to one partner only, however it is written', async () => {
  const partner = (name: string, certificate: string) =>
    `name: ${name}\nmatch: { users: [${name}], certificates: ["SHA256:${certificate}"] }\n`
  const upper = digits.toUpperCase().replace(/..(?=.)/g, '$&:')
  const faults = await faultsOf({
    'gateway.yaml': asking,
    'p/a.yaml': partner('a', digits),
    'p/b.yaml': partner('b', upper),
  })
  expect(faults).toEqual([expect.stringContaining('is in p/a.yaml:2')])
})

describe('an agent', () => {
  const start = `name: acme\nmatch: { users: [acme] }\nauth: { mode: local, passwordHash: "${hash}", sftp: { username: in, `
  const load = (agent: string, env: NodeJS.ProcessEnv) =>
    configOf({ 'gateway.yaml': `${smallest}partners: acme.yaml\n`, 'acme.yaml': `${start}agent: ${agent} } }` }, env)

  test('is that of the environment, or has the path of its socket', async () => {
    const { partners } = await load('true', { SSH_AUTH_SOCK: '/run/agent' })
    expect(partners).toMatchObject([{ auth: { proof: { kind: 'agent', socket: '/run/agent' } } }])
    const { partners: others } = await load('/run/other', {})
    expect(others).toMatchObject([{ auth: { proof: { kind: 'agent', socket: '/run/other' } } }])
  })

  test('that is not there, or has a password beside it, is a fault', async () => {
    expect(await partnerFaults(`${start}agent: true } }`)).toEqual([
      expect.stringContaining('auth.sftp.agent: is true, but there is no agent: SSH_AUTH_SOCK is not set'),
    ])
    expect(await partnerFaults(`${start}agent: /run/agent, password: x } }`)).toEqual([
      expect.stringContaining('auth.sftp.agent: and password exclude each other'),
    ])
    expect(await partnerFaults(`name: acme\nmatch: { users: [acme] }\nauth: { sftp: { agent: /run/agent } }`)).toEqual([
      expect.stringContaining('auth.sftp.agent: needs auth.mode: local'),
    ])
  })
})

import { expect, test } from 'vitest'
import { gatewaySchema } from '../../src/config/schema.ts'
import { environmentName, keysOf } from '../../src/config/table.ts'
import { configOf, configWith, faultsOf, faultsWith, pin, smallest } from './folder.ts'

test('environment variables override the globals of the file', async () => {
  const config = await configWith('limits: { loginAttempts: 5, sessions: 7 }\n', {
    FTPS_GATEWAY_LIMITS_LOGIN_ATTEMPTS: '9',
    FTPS_GATEWAY_PASSIVE_PORTS: '40000-40009',
    FTPS_GATEWAY_TIMEOUTS_DATA_STALL: '90s',
  })
  expect(config.limits).toMatchObject({ loginAttempts: 9, sessions: 7 })
  expect(config.passive.ports).toEqual({ first: 40000, last: 40009 })
  expect(config.timeouts.dataStallMs).toBe(90_000)
})

test('a faulty variable is reported under its own name', async () => {
  expect(await faultsWith('', { FTPS_GATEWAY_LOGGING_LEVEL: 'warning' })).toEqual([
    'environment:1:1 FTPS_GATEWAY_LOGGING_LEVEL: must be one of trace, debug, info, warn, error, not "warning" (did you mean "warn"?)',
  ])
})

test('empty variables count as unset', async () => {
  expect(await configWith('', { FTPS_GATEWAY_LIMITS_SESSIONS: '', FTPS_GATEWAY_PARTNERS: '' })).toEqual(
    await configWith(''),
  )
})

test('what Kubernetes sets for services of our name is not taken for a setting', async () => {
  const env = { FTPS_GATEWAY_ADMIN_PORT: 'tcp://10.0.0.1:9464', FTPS_GATEWAY_SERVICE_HOST: '10.0.0.1' }
  expect(await configWith('', env)).toEqual(await configWith(''))
})

test('every setting has a variable of its own, and each name says which', () => {
  const names = keysOf(gatewaySchema).map(environmentName)
  expect(new Set(names).size).toBe(names.length)
  expect(environmentName(['limits', 'bytesInFlightPerTransfer'])).toBe(
    'FTPS_GATEWAY_LIMITS_BYTES_IN_FLIGHT_PER_TRANSFER',
  )
})

test(`\${NAME} stands for a variable, alone or within a value, in every file`, async () => {
  const config = await configOf(
    {
      'gateway.yaml': `${smallest.replace('sftp.internal', `"sftp.\${ZONE}"`)}passive: { ports: "\${PORTS}" }\npartners: p.yaml\n`,
      'p.yaml': `name: p\nmatch:\n  users:\n    - \${USER_NAME}\nroot: /data/$\${ZONE}/\${ZONE}\n`,
    },
    { ZONE: 'internal', PORTS: '40000-40009', USER_NAME: 'acme' },
  )
  expect(config.backends[0]?.host).toBe('sftp.internal')
  expect(config.passive.ports.first).toBe(40000)
  expect(config.partners[0]).toMatchObject({ users: ['acme'], root: `/data/\${ZONE}/internal` })
})

test.each([
  [`"\${NO_SUCH}"`, 'the environment variable NO_SUCH is not set'],
  [`"\${EMPTY}"`, 'the environment variable EMPTY is empty'],
  [`"\${toString}"`, 'the environment variable toString is not set'],
  [`"\${not-a-name}"`, `has a \${ that names no environment variable; write $\${ for a plain \${`],
  ['"${open"', 'has a ${ that names no environment variable; write $${ for a plain ${'],
])('the value %s is a fault', async (value, fault) => {
  expect(await faultsWith(`logging: { level: ${value} }`, { EMPTY: '' })).toEqual([
    `gateway.yaml:4:19 logging.level: ${fault}`,
  ])
})

test('what a variable holds is not shown when it does not fit', async () => {
  const [fault] = await faultsWith(`logging: { level: "\${CANARY}" }`, { CANARY: 'Zx9!canary' })
  expect(fault).toContain(`not "\${CANARY}"`)
  expect(fault).not.toContain('Zx9')
})

const partner = (auth: string) => `name: a\nmatch: { users: [a] }\nauth:\n  mode: local\n  ${auth}\n`
test.each([
  'passwordHash: Zx9canary',
  'passwordHash: [Zx9canary]',
  'passwordHash: {Zx9canary: Zx9canary}',
  'passwordHash: "Zx9\\canary"',
  'passwordHash: *Zx9canary',
  'passwordHash: !Zx9canary',
  'passwordHash: |Zx9canary',
  'passwordHash: "a" Zx9canary',
  'passwordHash: @Zx9canary',
  'passwordHash: %Zx9canary',
  'passwordHash: a: Zx9canary',
  'passwordHash: [Zx9canary',
  'passwordHash: "Zx9canary',
  'passwordHash: "a\n\tZx9canary',
  'sftp: { passphrase: { Zx9canary } }',
  'sftp: { privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\\nZx9canary\\n-----END OPENSSH PRIVATE KEY-----\\n" }',
  'sftp: { privateKey: -----BEGIN OPENSSH PRIVATE KEY----- Zx9canary -----END OPENSSH PRIVATE KEY----- }',
  `sftp: { passphrase: "\${Zx9-canary}" }`,
])('no part of a secret is in the faults of %j', async (auth) => {
  const faults = await faultsOf({
    'gateway.yaml': `version: 1\nbackends: [{ name: a, host: a, hostKeys: ["${pin}"] }]\npartners: p.yaml\n`,
    'p.yaml': partner(auth),
  })
  expect(faults).not.toEqual([])
  expect(faults.join('\n')).not.toMatch(/Zx9|canary/)
})

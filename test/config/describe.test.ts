import { expect, test } from 'vitest'
import { describeConfig } from '../../src/config/describe.ts'
import { configOf, configWith, hash, pin, smallest } from './folder.ts'

const unusual = `
defaults: { backend: main }
listeners: [{ name: one, address: 127.0.0.1, port: 0, tls: off, active: on }]
passive:
  ports: 40000-40009
  advertise: ftp.example.com
  advertiseFor: [{ from: 10.0.0.0/8, address: auto }, { from: 192.0.2.0/24, address: 192.0.2.7 }]
  slice: { index: 1, count: 2 }
  peerMustMatch: any
active: { mode: off, privateAddress: rewrite, sourcePort: 20 }
limits: { bytesInFlightPerTransfer: 65537, bytesInFlight: 2GiB }
timeouts: { login: 1500ms, idle: 90s, dataStall: 26h }
admin: off
shutdown: { drain: 0s }
logging: { transferLog: { file: /var/log/transfers, format: xferlog } }
`

const withCapabilities = `version: 1
backends:
  - name: main
    host: sftp.internal
    hostKeys: ["${pin}"]
    capabilities: { readBytes: 32767, writeBytes: 64KiB, rename: plain, stripes: false, pipelinedReaddir: 1 }
`

test('the capabilities that were set are printed, and no others', async () => {
  const config = await configOf({ 'gateway.yaml': withCapabilities })
  const set = { readBytes: 32767, writeBytes: 65536, rename: 'plain', stripes: false, pipelinedReaddir: 1 }
  expect(config.backends[0]?.capabilities).toEqual(set)
  const text = describeConfig(config)
  expect(text).toContain('    capabilities:\n      readBytes: 32767B\n      writeBytes: 64KiB\n')
  expect(await configOf({ 'gateway.yaml': text })).toEqual(config)
})

test.each(['', unusual])('what is printed reads as the same configuration again: %j', async (settings) => {
  const config = await configWith(settings)
  expect(await configOf({ 'gateway.yaml': describeConfig(config) })).toEqual(config)
})

test('partners are printed without hash, key and passphrase', async () => {
  const text = describeConfig(
    await configOf({
      'gateway.yaml': `${smallest}partners: acme.yaml\n`,
      'acme.yaml': `name: acme
match: { users: [acme] }
auth: { mode: local, passwordHash: "${hash}", sftp: { username: in, privateKey: key, passphrase: Zx9canary } }
root: /data
`,
      key: 'Zx9canary key',
    }),
  )
  expect(text).toContain('# Partner acme\n#name: acme\n')
  expect(text).toContain('#  passwordHash: "[secret]"\n')
  expect(text).toContain('#    passphrase: "[secret]"\n')
  expect(text).not.toMatch(/Zx9|scrypt/)
})

import { expect, test } from 'vitest'
import { configWith, faultsWith, pin } from './folder.ts'

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

test("a port that could not be read is in nobody's way", async () => {
  const faults = await faultsWith('listeners: [{ name: a, port: 99999 }, { name: b, port: 21 }]')
  expect(faults).toEqual([expect.stringContaining('listeners[0].port: must be a port')])
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

test.each([
  ['{ slice: { index: 1 } }', 'passive.slice.index: must be below slice.count, 1; the first one is 0'],
  ['{ ports: 50000-50003, slice: { count: 5 } }', 'passive.slice.count: is 5, but passive.ports are only 4'],
  ['{ ports: 0, slice: { count: 2 } }', 'passive.slice.count: is 2, but with ports: 0 there is nothing to share'],
])('shares of the passive ports that some gateway would find empty are a fault: %s', async (passive, fault) => {
  const faults = await faultsWith(`passive: ${passive}`)
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain(fault)
})

test('as many shares as there are ports are none', async () => {
  expect(await faultsWith('passive: { ports: 50000-50003, slice: { index: 3, count: 4 } }')).toEqual([])
})

test('a greeting in the clear is for implicit TLS only', async () => {
  const config = await configWith('listeners: [{ name: z, tls: implicit, port: 2990, greetingDelay: 3s }]')
  expect(config.listeners[0]).toMatchObject({ tls: 'implicit', greetingDelayMs: 3000 })
  expect(await faultsWith('listeners: [{ name: z, greetingDelay: 3s }]')).toEqual([
    'gateway.yaml:4:39 listeners[0].greetingDelay: needs tls: implicit; elsewhere the greeting comes first anyway',
  ])
})

test('client certificates need TLS, an authority, and files that are there', async () => {
  const one = async (more: string) =>
    (await faultsWith(`listeners: [{ name: a, ${more} }]`)).map((fault) => fault.slice(18))
  expect(await one('clientCertificates: require')).toEqual([
    'listeners[0].clientCa: is missing; it names the file of those who issue the certificates',
  ])
  expect(await one('clientCa: x.pem')).toEqual(['listeners[0].clientCa: needs clientCertificates: request or require'])
  expect(await one('clientCertificates: require, clientCa: x.pem')).toEqual([
    expect.stringMatching(/^listeners\[0\]\.clientCa: .*x\.pem does not exist$/),
  ])
  expect(await one('tls: off, clientCertificates: request, clientCa: gateway.yaml')).toEqual([
    'listeners[0].clientCertificates: needs TLS; this listener has tls: off',
  ])
  expect(await one('clientCertificates: request, clientCa: gateway.yaml, clientCrl: gateway.yaml')).toEqual([])
})

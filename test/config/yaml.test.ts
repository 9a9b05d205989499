import { expect, test } from 'vitest'
import { configWith, faultsWith } from './folder.ts'

test('words that other YAML versions take for truth or numbers are read as they are written', async () => {
  const config = await configWith('listeners: [{ name: 0123, tls: off }, { name: no, port: 2121 }]\n')
  expect(config.listeners.map(({ name, tls }) => [name, tls])).toEqual([
    ['0123', 'off'],
    ['no', 'explicit'],
  ])
})

test('a value can be written once and named again', async () => {
  const config = await configWith('timeouts: { login: &long 2m, handshake: *long }\n')
  expect(config.timeouts).toMatchObject({ loginMs: 120_000, handshakeMs: 120_000 })
})

test.each([
  ['logging: &a { level: *a }', '4:22 logging.level: contains itself'],
  [
    'logging: { level: *a }',
    '4:19 logging.level: no anchor has the name of this alias; text that starts with * needs quotes',
  ],
  ['logging: { level: !!js/function x }', '4:19 yaml: tags are not supported; text that starts with ! needs quotes'],
  ['? [a, b]\n: c', '4:3 yaml: keys must be words'],
  ['"a\\nb": c', '4:1 "a\\nb": is not a known key'],
])('%j is refused', async (settings, fault) => {
  expect(await faultsWith(settings)).toEqual([`gateway.yaml:${fault}`])
})

test('text that is not YAML is reported with its place, and nothing else is guessed from it', async () => {
  const faults = await faultsWith('logging: { level: info\nadmin: off\n')
  expect(faults).toHaveLength(1)
  expect(faults[0]).toMatch(/^gateway\.yaml:5:\d+ yaml: /)
})

test('aliases of aliases take no more memory than what is written', async () => {
  const levels = Array.from({ length: 40 }, (_, i) => `b${i + 1}: &b${i + 1} [*b${i}, *b${i}]`)
  const faults = await faultsWith(`b0: &b0 [x]\n${levels.join('\n')}\n`)
  expect(faults).toHaveLength(41)
})

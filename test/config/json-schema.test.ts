import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { jsonSchemas } from '../../src/config/json-schema.ts'
import { gatewaySchema, partnerSchema } from '../../src/config/schema.ts'
import { keysOf } from '../../src/config/table.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'

const files = { gateway: 'config/gateway.yaml', partner: 'config/partners.d/acme.yaml' }
type Name = keyof typeof files

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'json-schema-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** What Debian's python3-jsonschema has against a file; empty when it is valid. */
async function faults(name: Name, content: unknown): Promise<string> {
  const [instance, schema] = [join(folder, 'instance.json'), resolve(`config/${name}.schema.json`)]
  writeFileSync(instance, JSON.stringify(content))
  const args = ['-m', 'jsonschema', '-i', instance, schema]
  const { code, stderr } = await run(program('/usr/bin/python3'), args)
  return code === 0 ? '' : stderr || 'invalid'
}

/** Settings are commented out by a `#` right before them; prose has one space behind its `#`. */
function example(name: Name, all: boolean): Record<string, unknown> {
  const text = readFileSync(files[name], 'utf8')
  return parse(all ? text.replace(/^#(?! \S)(?=.)/gm, '') : text)
}

describe.each(['gateway', 'partner'] as const)('The schema of the %s file', (name) => {
  test('is the one in config, which npm run schemas writes', () => {
    expect(JSON.parse(readFileSync(`config/${name}.schema.json`, 'utf8'))).toEqual(jsonSchemas[name])
  })

  test.each([
    ['as it is', false],
    ['with all its settings', true],
  ])('accepts the example %s', async (_, all) => {
    expect(await faults(name, example(name, all))).toBe('')
  })

  test('knows every key, and no other', async () => {
    const schema = name === 'gateway' ? gatewaySchema : partnerSchema
    const text = JSON.stringify(jsonSchemas[name])
    for (const key of keysOf(schema).flat()) expect(text).toContain(`"${key}"`)
    expect(await faults(name, { ...example(name, false), colour: 'red' })).toContain(`'colour' was unexpected`)
  })

  test('is named in the first line of the example', () => {
    const [first] = readFileSync(files[name], 'utf8').split('\n')
    const [, path = ''] = /^# yaml-language-server: \$schema=(\S+)$/.exec(first ?? '') ?? []
    expect(resolve(files[name], '..', path)).toBe(resolve(`config/${name}.schema.json`))
  })
})

const backends = [{ name: 'main', host: 'sftp.internal', hostKeys: ['SHA256:x'] }]

test.each<[string, object, string]>([
  ['a key of a table that is not known', { limits: { session: 5 } }, `'session' was unexpected`],
  ['a word that is none of those', { upload: { mode: 'atom' } }, `'atom'`],
  ['a number that is too large', { limits: { sessions: 100_001 } }, '100001'],
  ['a time without a unit', { timeouts: { idle: '15' } }, `'15'`],
  ['a list where a table belongs', { timeouts: ['15m'] }, 'object'],
  ['a backend without a host', { backends: [{ name: 'main' }] }, `'host' is a required property`],
  ['no backends', { backends: undefined }, `'backends' is a required property`],
])('The schema of the gateway file refuses %s', async (_, change, text) => {
  expect(await faults('gateway', { version: 1, backends, ...change })).toContain(text)
})

test.each<[string, object]>([
  ['the smallest file', {}],
  ['values from the environment', { limits: { sessions: `\${MAX_SESSIONS}` }, timeouts: { idle: `\${IDLE}` } }],
  ['off in place of a table', { admin: 'off' }],
  ['sizes as numbers and with units', { limits: { bytesInFlight: 1_000_000, bytesInFlightPerTransfer: '512KiB' } }],
])('The schema of the gateway file accepts %s', async (_, change) => {
  expect(await faults('gateway', { version: 1, backends, ...change })).toBe('')
})

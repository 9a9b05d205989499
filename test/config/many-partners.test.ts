import * as fs from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { partnerFile } from '../../src/config/partner-file.ts'
import { configOf, faultsOf, hash, inFolder, smallest } from './folder.ts'

const counted = vi.hoisted(() => ({ stat: 0, readFile: 0, readdir: 0, parseDocument: 0 }))
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const counting = (name: 'stat' | 'readFile' | 'readdir') => ({
    [name]: (...args: unknown[]) => {
      counted[name]++
      return (real[name] as (...args: unknown[]) => unknown)(...args)
    },
  })
  return { ...real, ...counting('stat'), ...counting('readFile'), ...counting('readdir') }
})
vi.mock('yaml', async (original) => {
  const real = await original<typeof import('yaml')>()
  return {
    ...real,
    parseDocument: (...args: Parameters<typeof real.parseDocument>) => {
      counted.parseDocument++
      return real.parseDocument(...args)
    },
  }
})
beforeEach(() => {
  for (const name of ['stat', 'readFile', 'readdir', 'parseDocument'] as const) counted[name] = 0
})

const globals = `${smallest}partners: p/*.yaml\n`
const local = `mode: local, passwordHash: "${hash}"`

const partner = (i: number) =>
  `name: p${i}\nmatch: { users: [u${i}] }\nauth: { ${local}, sftp: { username: x, privateKey: ../key } }\n`

/** Loads so many partners in files of their own, all with one key. */
async function load(count: number): Promise<{ readonly partners: number; readonly keysLookedAt: number }> {
  const files = Object.fromEntries(Array.from({ length: count }, (_, i) => [`p/p${i}.yaml`, partner(i)]))
  return inFolder({ 'gateway.yaml': globals, key: 'a key', ...files }, async (folder) => {
    let keysLookedAt = 0
    const nothing = () => undefined
    const privateKey = () => {
      keysLookedAt++
      return undefined
    }
    const checks = { privateKey, knownHosts: nothing, command: nothing, passwordHash: nothing }
    const { partners } = await loadConfig(join(folder, 'gateway.yaml'), {}, checks)
    return { partners: partners.length, keysLookedAt }
  })
}

test.each([10, 500])('%i partners take one read and one parse each, and their key one for all', async (count) => {
  expect(await load(count)).toEqual({ partners: count, keysLookedAt: 1 })
  // The globals and the key beside them; when a partner's file was changed is asked for as well.
  expect(counted).toEqual({ stat: 2 * count + 2, readFile: count + 2, readdir: 1, parseDocument: count + 1 })
})

test('partners are in the order of their files, however fast each is read', async () => {
  const files = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p/${100 + i}.yaml`, partner(i)]))
  const { partners } = await configOf({ 'gateway.yaml': globals, key: 'a key', ...files })
  expect(partners.map(({ name }) => name)).toEqual(Array.from({ length: 100 }, (_, i) => `p${i}`))
})

test('a file may have a list of partners, with paths relative to it', async () => {
  const list = `- name: a\n  match: { users: [a] }\n- name: b\n  match: { users: [b] }\n  auth: { ${local}, sftp: { username: x, privateKey: ../key } }\n`
  const { partners } = await configOf({
    'gateway.yaml': globals,
    key: 'a key',
    'p/1.yaml': list,
    'p/2.yaml': 'name: c\nmatch: { users: [c] }\n',
    'p/3.yaml': '[]',
  })
  expect(partners.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  expect(partners[1]).toMatchObject({ auth: { proof: { privateKey: 'a key' } } })
})

test('faults in a list have their place and their item, each of them', async () => {
  const list = `- name: a\n  match: { users: [a] }\n  root: here\n- name: b\n  match: { users: [a] }\n  root: there\n  bakend: x\n- just a word\n- name: a\n  match: { users: [d] }\n`
  expect(await faultsOf({ 'gateway.yaml': globals, 'p/all.yaml': list })).toEqual([
    expect.stringMatching(/^p\/all.yaml:3:9 \[0\]\.root: must be an absolute path/),
    'p/all.yaml:5:20 [1].match.users[0]: user "a" is in p/all.yaml:2:20 already',
    expect.stringMatching(/^p\/all.yaml:6:9 \[1\]\.root: must be an absolute path/),
    expect.stringMatching(/^p\/all.yaml:7:3 \[1\]\.bakend: is not a known key \(did you mean "backend"\?\)/),
    expect.stringMatching(/^p\/all.yaml:8:3 \[2\]: must be a map of keys and values/),
    'p/all.yaml:9:9 [3].name: partner "a" is in p/all.yaml:1:9 already',
  ])
})

test('a partner that is one of a list is not changed by a verb, and it is said why', async () => {
  const files = { 'gateway.yaml': globals, 'p/all.yaml': '- name: a\n- name: b\n', 'p/c.yaml': 'name: c\n' }
  await inFolder(files, async (folder) => {
    const find = (name: string) => partnerFile(join(folder, 'gateway.yaml'), name, {})
    await expect(find('b')).rejects.toThrow('all.yaml:2:3 [1]: partner b is one of a list; give it a file of its own')
    expect(await find('c')).toBe(join(folder, 'p/c.yaml'))
    expect(await find('d')).toBeUndefined()
  })
})

test('the counters count', async () => {
  await fs.stat(dirname(import.meta.filename))
  expect(counted.stat).toBe(1)
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hasArgon2 } from '../../src/partners/argon2.ts'
import { makeFixture, sha256 } from '../support/fixtures.ts'
import { program } from '../support/packages.ts'
import { run, runOk } from '../support/run.ts'
import { endPrograms, main, startProgram } from './program.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'newer-node-'))
  await runOk('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, 'node@24'], {
    timeoutMs: 240_000,
  })
}, 300_000)
afterAll(async () => {
  await endPrograms()
  await rm(folder, { recursive: true })
})

test('on Node 24 files go in by explicit and implicit TLS 1.3 and come back as they were', async () => {
  const node = join(folder, 'node_modules/node/bin/node')
  expect((await runOk(node, ['--version'])).toString()).toMatch(/^v24\./)
  const demo = startProgram(
    ['demo', '--port', '0', '--implicit-port', '0', '--passive', '0', '--admin-port', '0'],
    { TMPDIR: folder },
    node,
  )
  await demo.until(/asks for the password/)
  const [, explicit = ''] = await demo.until(/(ftp:\/\/127\.0\.0\.1:\d+)\//)
  const [, implicit = ''] = await demo.until(/(ftps:\/\/127\.0\.0\.1:\d+)\//)
  const [, account = ''] = await demo.until(/-u (demo:\S+)/)
  const fixture = await makeFixture(folder, 3_000_000)
  for (const [url, name] of [
    [explicit, 'a'],
    [implicit, 'b'],
  ] as const) {
    const curl = (...args: string[]) =>
      runOk(program('curl'), ['-s', '-S', '-k', '--ssl-reqd', '--tlsv1.3', '-u', account, ...args])
    const back = join(folder, `back-${name}`)
    await curl('-T', fixture.path, `${url}/${name}`)
    await curl('-o', back, `${url}/${name}`)
    expect(await sha256(back)).toBe(fixture.sha256)
  }
  demo.signal('SIGTERM')
  expect(await demo.ended).toBe(0)
}, 120_000)

test('on Node 24 hash-password --argon2id makes hashes that are checked there, and that an older Node refuses in words', async () => {
  const node = join(folder, 'node_modules/node/bin/node')
  const made = await runOk(node, [main, 'hash-password', '--argon2id'], { input: 'pässword\n' })
  const hash = made.toString().trimEnd()
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=32768,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  const module = pathToFileURL(join(dirname(main), 'partners/password-hash.js')).href
  const script = `import(${JSON.stringify(module)}).then(async ({ verifyPassword }) => {
    for (const password of ['pässword', 'password']) console.log(await verifyPassword(process.argv[1], password))
  })`
  expect((await runOk(node, ['-e', script, hash])).toString()).toBe('true\nfalse\n')

  const config = join(folder, 'gateway.yaml')
  const pin = 'SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8'
  await writeFile(
    config,
    `version: 1\nbackends: [{ name: main, host: h, hostKeys: ["${pin}"] }]\npartners: acme.yaml\n`,
  )
  const auth = `auth: { mode: local, passwordHash: "${hash}", sftp: { username: in, password: x } }`
  await writeFile(join(folder, 'acme.yaml'), `name: acme\nmatch: { users: [acme] }\n${auth}\n`)
  await runOk(node, [main, 'check', '--config', config])
  if (hasArgon2) return
  expect((await run(process.execPath, [main, 'hash-password', '--argon2id'], { input: 'x\n' })).code).toBe(64)
  const older = await run(process.execPath, [main, 'check', '--config', config])
  expect(older.code).toBe(78)
  expect(older.stderr).toMatch(/acme.yaml:3:\d+ auth.passwordHash: is an argon2id hash, which needs Node 24.7 or later/)
  expect(older.stderr).not.toContain(hash)
}, 120_000)

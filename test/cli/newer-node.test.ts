import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeFixture, sha256 } from '../support/fixtures.ts'
import { program } from '../support/packages.ts'
import { runOk } from '../support/run.ts'
import { endPrograms, startProgram } from './program.ts'

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

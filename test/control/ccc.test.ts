import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'
import { program } from '../support/packages.ts'
import { run, runOk } from '../support/run.ts'

let gateway: MemoryGateway
afterEach(() => gateway.stop())

test('CCC is refused where the listener does not offer it, before TLS, and before the login', async () => {
  gateway = await startMemoryGateway({ tls: 'explicit' })
  const client = await gateway.logIn()
  await client.dialogue('> CCC', '< 534', '> PWD', '< 257')
  client.close()
  await gateway.stop()
  gateway = await startMemoryGateway({ tls: 'explicit', ccc: true })
  const other = await gateway.connect()
  await other.dialogue('< 220', '> CCC', '< 533')
  await other.secure()
  await other.dialogue('> CCC', '< 534', '> FEAT', '< 211 CCC')
  other.close()
})

for (const version of ['1.2', '1.3']) {
  test.each([
    ['nothing', 'none'],
    ['its close_notify and the next command in one', 'together'],
    ['them byte by byte', 'pieces'],
  ])(`TLS ${version}: after CCC a client may send %s`, async (_what, ending) => {
    gateway = await startMemoryGateway({ tls: 'explicit', ccc: true })
    const script = new URL('ccc-client.py', import.meta.url).pathname
    const said = (await runOk(program('python3'), [script, `${gateway.port}`, version, ending])).toString()
    const lines = said.trim().split('\n')
    expect(lines.map((line) => line.slice(0, 3))).toEqual([
      ...['200', 'clo', '257'],
      // PROT, PBSZ, AUTH, CCC, REIN, HELP.
      ...['534', '534', '534', '533', '502', '214'],
      ...['229', '221', "b''"],
    ])
    expect(lines).toContain('214 REIN is not implemented.')
    expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
  })
}

test.each([
  ['passive', []],
  ['active', ['--ftp-ssl-ccc-mode', 'active']],
])('curl goes on in the clear after CCC, %s, and its files stay encrypted', async (_mode, args) => {
  gateway = await startMemoryGateway({ tls: 'explicit', ccc: true })
  const folder = mkdtempSync(join(tmpdir(), 'ccc-'))
  const file = join(folder, 'up')
  writeFileSync(file, 'x'.repeat(100_000))
  const url = `ftp://127.0.0.1:${gateway.port}`
  const common = ['-sv', '-k', '--ssl-reqd', '--ftp-ssl-ccc', ...args, '-u', 'test:secret']
  try {
    const up = await run(program('curl'), [...common, '-T', file, `${url}/up`])
    expect(up.stderr).toContain('< 200 The control connection is clear now.')
    expect(up.stderr).toContain('< 226')
    expect(up.code).toBe(0)
    const down = await run(program('curl'), [...common, `${url}/up`])
    expect(down.stdout.toString()).toBe('x'.repeat(100_000))
  } finally {
    rmSync(folder, { recursive: true })
  }
  const data = gateway.events.filter((event) => event.kind === 'tls' && event.channel === 'data')
  expect(data).toMatchObject([{ outcome: 'ok' }, { outcome: 'ok' }])
})

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { main } from './program.ts'

const acme = { name: 'acme', password: 'Zx9canary' }

let sshd: Sshd
let gateway: GatewayProgram
beforeAll(async () => {
  sshd = await startSshd()
  const settings = { logging: { level: 'debug', audit: { path: 'audit.jsonl' } } }
  gateway = await startGatewayProgram({ sshd, partner: acme, settings })
})
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

async function migrate(...args: string[]): Promise<string> {
  const config = ['--config', join(gateway.folder, 'gateway.yaml')]
  const { code, stdout, stderr } = await run(process.execPath, [main, 'migrate', ...args, ...config])
  expect([code, stderr]).toEqual([0, ''])
  return stdout.toString()
}

async function reload(): Promise<void> {
  const before = gateway.events('config.reloaded').length
  gateway.signal('SIGHUP')
  await gateway.told('config.reloaded', before + 1)
}

/** curl's exit code, and all that was said. */
async function list(password = acme.password) {
  const how = ['-sv', '--ssl-reqd', '--cacert', gateway.certificate, '-u', `${acme.name}:${password}`]
  const { code, stderr } = await run(program('curl'), [...how, `ftp://localhost:${gateway.port}/`])
  return { code, said: stderr }
}

const info = (phase: string) => gateway.metric(`ftps_gateway_partner_info{partner="acme",phase="${phase}",wave=""}`)

test('A phase that is set counts from the reload on, and is taken back by one line', async () => {
  expect((await list()).code).toBe(0)
  expect(await info('gateway')).toBe(1)

  const set = await migrate('set', 'acme', 'retired')
  expect(set).toContain('+phase: retired\n')
  expect((await list()).code).toBe(0)
  await reload()
  const { code, said } = await list()
  expect(code).toBe(67)
  expect(said).toMatch(/< 530-FTPS has ended here for this login\.\r?\n< 530-Your password is right/)
  expect((await list('wrong')).said).toContain('< 530 Login incorrect.')
  expect([await info('gateway'), await info('retired')]).toEqual([undefined, 1])

  await migrate('set', 'acme', 'gateway')
  await reload()
  expect((await list()).code).toBe(0)

  const lines = readFileSync(join(gateway.folder, 'audit.jsonl'), 'utf8').trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { time: expect.any(String), partner: 'acme', before: 'gateway', after: 'retired', cause: 'reload' },
    { time: expect.any(String), partner: 'acme', before: 'retired', after: 'gateway', cause: 'reload' },
  ])
  const [refused] = gateway.events('login.refused')
  expect(refused).toMatchObject({ level: 'warn', outcome: 'retired', reference: expect.stringMatching(/^B-/) })
  expect(set + lines.join() + gateway.log()).not.toMatch(/Zx9canary|scrypt\$/)
})

test('A nudge refuses one login, and the next one gets in', async () => {
  const file = join(gateway.folder, 'partners.d/acme.yaml')
  const partner = parse(readFileSync(file, 'utf8'))
  const brownout = { timeline: { brownout: '2020-01-01' }, phase: 'auto', brownout: { mode: 'nudge' } }
  writeFileSync(file, JSON.stringify({ ...partner, ...brownout }))
  await reload()
  const { code, said } = await list()
  expect(code).toBe(67)
  expect(said).toContain('< 530-This login is refused once, as a reminder; the next one gets in.')
  expect((await list()).code).toBe(0)
  expect(await gateway.metric('ftps_gateway_brownout_refusals_total{partner="acme"}')).toBe(1)
})

import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { defineInstruments } from '../../src/observe/instruments.ts'
import { Dialogue } from '../support/dialogue.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { beginUpload } from '../support/held-upload.ts'
import { program } from '../support/packages.ts'
import { type Family, parsePrometheusText } from '../support/prometheus-text.ts'
import { run } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const partner = { name: 'acme', password: 'correct horse battery' }

let sshd: Sshd
let gateway: GatewayProgram
beforeAll(async () => {
  sshd = await startSshd()
  gateway = await startGatewayProgram({ sshd, partner })
})
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

const logIn = ({ name, password }: { readonly name: string; readonly password: string }) =>
  Dialogue.logIn({ port: gateway.port, tls: 'explicit', certificate: gateway.certificate }, name, password)

describe('A scrape of a gateway whose clients work', () => {
  let text = ''
  let families: readonly Family[] = []
  let held: Dialogue
  beforeAll(async () => {
    const passedThrough = await logIn(sshd.user)
    expect((await passedThrough.transfer('STOR one.bin', Buffer.alloc(300_000, 1))).code).toBe(226)
    expect((await passedThrough.transfer('RETR one.bin')).code).toBe(226)
    expect((await passedThrough.transfer('MLSD')).code).toBe(226)
    await passedThrough.dialogue('> CWD nowhere', '< 550', '> X-SECRET', '< 500', '> QUIT', '< 221')
    const wrong = await Dialogue.connect({ port: gateway.port, tls: 'explicit', certificate: gateway.certificate })
    await wrong.dialogue('< 220')
    await wrong.secure()
    await wrong.dialogue('> USER acme', '< 331', '> PASS nonsense', '< 530', '> QUIT', '< 221')
    held = await logIn(partner)
    const upload = await beginUpload(held, 'held.bin')
    await upload.send(Buffer.alloc(100_000, 2))
    await vi.waitFor(async () => expect(await gateway.metric(bytesOf('acme'))).toBe(100_000), 20_000)
    text = await gateway.scrape()
    families = parsePrometheusText(text)
    expect(await upload.finish()).toBe(226)
    await held.dialogue('> QUIT', '< 221')
  })

  const bytesOf = (name: string) => `ftps_gateway_transfer_bytes_total{partner="${name}",direction="upload"}`

  function value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const samples = families.flatMap((family) => family.samples)
    return samples.find((sample) => {
      const fits = Object.entries(labels).every(([key, label]) => sample.labels[key] === label)
      return sample.name === `ftps_gateway_${name}` && fits
    })?.value
  }

  test('passes promtool check metrics without a word', async () => {
    const result = await run(program('promtool'), ['check', 'metrics'], { input: text })
    expect(result).toMatchObject({ code: 0, stderr: '' })
  })

  test('has what promtool would complain of, where a gauge is named like a counter', async () => {
    const input = '# HELP x_total Wrong.\n# TYPE x_total gauge\nx_total 1\n'
    const result = await run(program('promtool'), ['check', 'metrics'], { input })
    expect(result.code).not.toBe(0)
  })

  test('tells what has happened', () => {
    const passed = { partner: 'default' }
    expect(value('transfers_total', { ...passed, direction: 'upload', outcome: 'ok' })).toBe(1)
    expect(value('transfers_total', { ...passed, direction: 'download', outcome: 'ok' })).toBe(1)
    expect(value('transfer_bytes_total', { ...passed, direction: 'download' })).toBe(300_000)
    expect(value('logins_total', { partner: 'acme', outcome: 'bad_password' })).toBe(1)
    expect(value('logins_total', { partner: 'acme', outcome: 'ok' })).toBe(1)
    expect(value('sftp_requests_total', { operation: 'write', status: 'ok' })).toBeGreaterThan(0)
    expect(value('sftp_requests_total', { operation: 'fsync', status: 'ok' })).toBeGreaterThan(0)
    expect(value('sftp_request_duration_seconds_count', { operation: 'read' })).toBeGreaterThan(0)
    expect(value('command_duration_seconds_count', { family: 'transfers' })).toBeGreaterThan(0)
    expect(value('commands_total', { command: 'other', reply: '5xx' })).toBe(1)
    expect(value('build_info', { ssh_crypto: 'native' }) ?? value('build_info', { ssh_crypto: 'js' })).toBe(1)
  })

  test('tells what is going on', () => {
    expect(value('sessions', { partner: 'acme' })).toBe(1)
    expect(value('sessions', { partner: 'default' })).toBe(0)
    expect(value('transfers_in_progress', { direction: 'upload' })).toBe(1)
    expect(value('backend_connections', { backend: 'main', state: 'in_use' })).toBe(1)
    expect(value('backend_up', { backend: 'main' })).toBe(1)
  })

  test('shows every metric that there is, and no name, address or path of a client', () => {
    const registry = new Registry()
    defineInstruments(registry)
    const names = registry.getMetricsAsArray().map(({ name }) => name)
    expect(families.map(({ name }) => name)).toEqual(expect.arrayContaining(names))
    expect(text).not.toMatch(/SECRET|one\.bin|held\.bin|127\.0\.0\.1/)
    expect(text).not.toContain(sshd.user.name)
  })
})

test('Nobody is on the gateway: nothing is under way, and the connection of a partner is kept for its next login', async () => {
  const gauge = (name: string) => gateway.metric(`ftps_gateway_${name}`)
  await expect.poll(() => gauge('backend_connections{backend="main",state="idle"}')).toBe(1)
  expect(await gauge('backend_connections{backend="main",state="in_use"}')).toBe(0)
  expect(await gauge('transfers_in_progress{direction="upload"}')).toBe(0)
  expect(await gauge('sessions{partner="acme"}')).toBe(0)
})

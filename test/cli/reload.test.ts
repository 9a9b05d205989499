import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type DemoServer, startDemoServer } from '../../src/demo/demo-server.ts'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { Dialogue } from '../support/dialogue.ts'
import { freePort, freeRange } from '../support/free-port.ts'
import { endPrograms, type Program, startProgram } from './program.ts'

let folder: string
let server: DemoServer
let program: Program
const clients: Dialogue[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reload-test-'))
  for (const name of ['files', 'partners.d']) mkdirSync(join(folder, name))
  server = await startDemoServer({ directory: join(folder, 'files') })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await endPrograms()
  await server.close()
  rmSync(folder, { recursive: true })
})

interface Listener {
  readonly name: string
  readonly port: number
  readonly [setting: string]: unknown
}

/** Writes the configuration; settings replace or add top-level keys. */
function configure(listeners: readonly Listener[], settings: object = {}): string {
  const file = join(folder, 'gateway.yaml')
  const usual = {
    version: 1,
    listeners: listeners.map((listener) => ({ address: '127.0.0.1', tls: 'explicit', ...listener })),
    passive: { ports: 0 },
    backends: [{ name: 'main', host: '127.0.0.1', port: server.port, hostKeys: [server.hostKey] }],
    partners: 'partners.d/*.yaml',
    state: { directory: 'state' },
    admin: 'off',
  }
  writeFileSync(`${file}.new`, JSON.stringify({ ...usual, ...settings }))
  renameSync(`${file}.new`, file)
  return file
}

async function serve(listeners: readonly Listener[], settings: object = {}): Promise<void> {
  program = startProgram(['--config', configure(listeners, settings)])
  await said('gateway.listening', listeners.length)
}

interface Line extends Readonly<Record<string, unknown>> {
  readonly message: string
}

function lines(event: string): Line[] {
  const all = program.output().split('\n')
  return all.flatMap((text) => (text.startsWith('{') ? [JSON.parse(text)] : [])).filter((line) => line.event === event)
}

/** Waits for so many lines of an event, and returns the last. */
async function said(event: string, count: number): Promise<Line> {
  await vi.waitFor(() => expect(lines(event).length, program.output()).toBeGreaterThanOrEqual(count), 30_000)
  return lines(event).at(-1) as Line
}

/** What the log says of a reload. */
async function reload(): Promise<string> {
  const count = () => lines('config.reloaded').length + lines('config.refused').length
  const before = count()
  program.signal('SIGHUP')
  await vi.waitFor(() => expect(count(), program.output()).toBe(before + 1), 30_000)
  return ['config.reloaded', 'config.refused'].flatMap(lines).sort(byTime).at(-1)?.message ?? ''
}

function byTime(a: Line, b: Line): number {
  return String(a['time']).localeCompare(String(b['time']))
}

async function logIn(port: number, tls: 'explicit' | 'implicit' = 'explicit'): Promise<Dialogue> {
  const certificate = join(folder, 'state', 'tls', 'cert.pem')
  const client = await Dialogue.logIn({ port, tls, certificate }, server.username, server.password)
  clients.push(client)
  return client
}

const portOf = (listener: string) => {
  return Number(lines('gateway.listening').findLast((line) => line['listener'] === listener)?.['port'])
}

/** Whether anybody takes connections there. */
async function open(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const [event] = await Promise.race([
    once(socket, 'connect').then(() => ['connect']),
    once(socket, 'error').then(() => ['error']),
  ]).catch(() => ['error'])
  socket.destroy()
  return event === 'connect'
}

async function works(client: Dialogue): Promise<void> {
  expect((await client.transfer('STOR works', Buffer.from('content'))).code).toBe(226)
  expect((await client.transfer('RETR works')).content.toString()).toBe('content')
}

describe('A reload of listeners', () => {
  test('opens new ones, moves and removes others, and sessions of those go on', async () => {
    const [first, second] = [await freePort(), await freePort()]
    await serve([
      { name: 'main', port: first },
      { name: 'old', port: 0 },
      { name: 'same', port: 0 },
    ])
    const [old, same] = [portOf('old'), portOf('same')]
    const before = [await logIn(first), await logIn(old), await logIn(same)]
    configure([
      { name: 'main', port: second },
      { name: 'same', port: 0 },
      { name: 'new', port: 0, tls: 'implicit', requireTls: true },
    ])
    const words = await reload()
    expect(words).toContain(`listener main ${first} → ${second}`)
    expect(words).toContain('listener new added (implicit, 127.0.0.1 port 0)')
    expect(words).toContain('listener old removed')
    expect(words).not.toContain('same')
    expect(await Promise.all([first, old].map(open))).toEqual([false, false])
    for (const client of [...before, await logIn(second), await logIn(same), await logIn(portOf('new'), 'implicit')])
      await works(client)
    expect(lines('gateway.closed').map((line) => [line['listener'], line['port']])).toEqual([
      ['main', first],
      ['old', old],
    ])
  })

  test('changes what a port is for without closing it, and sessions keep what they came in with', async () => {
    const port = await freePort()
    await serve([{ name: 'main', port }])
    const before = await logIn(port)
    configure([{ name: 'other', port, tls: 'implicit' }])
    await reload()
    await works(await logIn(port, 'implicit'))
    await works(before)
    configure([{ name: 'other', port, tls: 'explicit', requireTls: false }])
    expect(await reload()).toContain('listener other tls, requireTls')
    const plain = await Dialogue.connect({ port, tls: 'off', certificate: '' })
    clients.push(plain)
    await plain.dialogue('< 220', `> USER ${server.username}`, '< 331')
    await works(before)
    // One socket all the time: it never had to be opened again.
    expect(lines('gateway.listening')).toHaveLength(1)
  })

  test('takes another address on the same port, which the old one must leave before', async () => {
    const port = await freePort()
    await serve([{ name: 'main', port }])
    const before = await logIn(port)
    configure([{ name: 'main', port, address: '0.0.0.0' }])
    expect(await reload()).toContain('listener main 127.0.0.1 → 0.0.0.0')
    await works(await logIn(port))
    await works(before)
  })

  test('keeps the old configuration as a whole when one cannot be opened, and says why', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const [main, free] = [await freePort(), await freePort()]
    await serve([
      { name: 'main', port: main },
      { name: 'gone', port: 0 },
    ])
    const before = await logIn(main)
    configure(
      [
        { name: 'main', port: main, address: '0.0.0.0' },
        { name: 'fine', port: free },
        { name: 'taken', port },
      ],
      { limits: { sessions: 1 } },
    )
    expect(await reload()).toMatch(
      /refused, the old one stays in force: listener taken: port \d+ .* is taken by another/,
    )
    expect(await open(free)).toBe(false)
    // Also the one that had already made room for itself on another address.
    for (const client of [before, await logIn(main), await logIn(portOf('gone'))]) await works(client)
    expect(lines('warning').filter((line) => line['topic'] === 'listener_lost')).toEqual([])
    // What is not there is not announced either.
    expect([...new Set(lines('tls.certificate').map((line) => line['listener']))]).toEqual(['main', 'gone'])

    taken.close()
    await once(taken, 'close')
    expect(await reload()).toContain('New configuration is in force')
    expect(await Promise.all([free, port].map(open))).toEqual([true, true])
  })
})

describe('A reload of passive ports', () => {
  test('gives the new ones also to sessions that are open', async () => {
    const [first, second] = [await freeRange(2), await freeRange(2)]
    const ports = ({ first: from, last }: { first: number; last: number }) => ({
      passive: { ports: `${from}-${last}` },
    })
    await serve([{ name: 'main', port: 0 }], ports(first))
    const client = await logIn(portOf('main'))
    const passive = async () =>
      Number(/\|\|\|(\d+)\|/.exec((await client.dialogue('> EPSV', '< 229'))[0]?.lines[0] ?? '')?.[1])
    const within = ({ first: from, last }: { first: number; last: number }, port: number) =>
      from <= port && port <= last
    expect(within(first, await passive())).toBe(true)
    configure([{ name: 'main', port: 0 }], ports(second))
    expect(await reload()).toMatch(/passive\.ports/)
    for (let i = 0; i < 4; i++) expect(within(second, await passive())).toBe(true)
    await works(client)
  })
})

describe('SIGHUP', () => {
  const main = [{ name: 'main', port: 0 }]
  const partner = (name: string, more: object = {}) => {
    writeFileSync(
      join(folder, 'partners.d', `${name}.yaml`),
      JSON.stringify({ name, match: { users: [name] }, ...more }),
    )
  }

  test('says what has changed by names and paths, and no secret', async () => {
    const sftp = (password: string) => ({ username: 'x', password })
    const hash = await hashPassword('canary')
    const auth = (password: string) => ({ auth: { mode: 'local', passwordHash: hash, sftp: sftp(password) } })
    for (const name of ['acme', 'beta', 'gamma']) partner(name, auth('canary-old'))
    await serve(main)
    rmSync(join(folder, 'partners.d', 'gamma.yaml'))
    partner('acme', auth('canary-new'))
    partner('delta')
    partner('epsilon')
    configure(main, {
      limits: { sessions: 77 },
      timeouts: { idle: '77s' },
      tls: { sessionReuse: 'off' },
      logging: { level: 'debug' },
    })
    expect(await reload()).toBe(
      'New configuration is in force: partners +2 -1 ~1 (delta, epsilon, gamma, acme); log level debug; limits.sessions, timeouts.idle, tls.sessionReuse',
    )
    expect(program.output()).not.toContain('canary')
    expect(await reload()).toBe('New configuration is in force: no setting has changed')
  })

  test('is answered in few words when very much has changed', async () => {
    await serve(main)
    for (let i = 0; i < 300; i++) partner(`partner-with-a-name-of-some-length-${i}`)
    const words = await reload()
    expect(words).toMatch(/partners \+300 \(.*, … 295 more\)$/)
    expect(words.length).toBeLessThan(500)
    for (let i = 0; i < 300; i++) partner(`partner-with-a-name-of-some-length-${i}`, { nonsense: true })
    await reload()
    expect(lines('config.refused').at(-1)?.['problems']).toHaveLength(51)
  })

  test('says in words what needs a restart, at each reload until then, also when the log is quiet', async () => {
    await serve(main)
    configure(main, {
      limits: { bytesInFlight: '32MiB' },
      metrics: { perPartner: false },
      logging: { level: 'warn', format: 'json' },
    })
    const restarts = () =>
      lines('warning').flatMap(({ topic, message }) => (topic === 'restart_needed' ? [message] : []))
    const needed = ['metrics', 'limits.bytesInFlight', 'logging.format'].map(
      (key) => `the change of ${key} needs a restart`,
    )
    expect(await reload()).toBe('New configuration is in force: log level warn')
    expect(restarts()).toEqual(needed)
    expect(await reload()).toBe('New configuration is in force: no setting has changed')
    expect(restarts()).toEqual([...needed, ...needed])
    configure(main)
    await reload()
    expect(restarts()).toHaveLength(6)
  })

  test('takes over the log level', async () => {
    await serve(main)
    await works(await logIn(portOf('main')))
    expect(lines('command')).toEqual([])
    configure(main, { logging: { level: 'debug' } })
    await reload()
    await works(await logIn(portOf('main')))
    expect(lines('command').length).toBeGreaterThan(0)
  })

  test('twice at once is one reload after the other, and the last word of the files counts', async () => {
    await serve(main)
    for (let i = 1; i <= 20; i++) {
      configure(main, { limits: { sessions: i }, logging: { level: i === 20 ? 'debug' : 'info' } })
      program.signal('SIGHUP')
    }
    // Those that come while one runs are one more, which reads what is there by then.
    const last = () => lines('config.reloaded').some(({ message }) => message.includes('log level debug'))
    await vi.waitFor(() => expect(last(), program.output()).toBe(true), 30_000)
    expect(lines('config.reloaded').length).toBeLessThanOrEqual(20)
    expect(lines('config.refused')).toEqual([])
    await works(await logIn(portOf('main')))
  })

  test('during the start is made up for after it', async () => {
    program = startProgram(['--config', configure(main)])
    await program.until(/gateway\.started/)
    program.signal('SIGHUP')
    await said('config.reloaded', 1)
    expect(lines('gateway.listening')).toHaveLength(1)
    await works(await logIn(portOf('main')))
  })

  test('while the gateway stops changes nothing, and says so', async () => {
    await serve(main)
    const client = await logIn(portOf('main'))
    await client.dialogue('> EPSV', '< 229', '> STOR slow', '< 150')
    program.signal('SIGTERM')
    await said('gateway.draining', 1)
    const port = await freePort()
    configure([...main, { name: 'late', port }])
    program.signal('SIGHUP')
    await vi.waitFor(
      () => expect(lines('warning').at(-1)?.message).toMatch(/SIGHUP came while the gateway stops/),
      30_000,
    )
    expect(await open(port)).toBe(false)
    program.signal('SIGTERM')
    expect(await program.ended).toBe(0)
    expect(lines('config.reloaded')).toEqual([])
  })
})

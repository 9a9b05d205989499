import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type DemoServer, startDemoServer } from '../../src/demo/demo-server.ts'
import { rowsOf } from '../../src/migration/rows.ts'
import { sumOf } from '../../src/migration/usage.ts'
import { Dialogue } from '../support/dialogue.ts'
import { run } from '../support/run.ts'
import { endPrograms, main, type Program, startProgram } from './program.ts'

let directory: string
let server: DemoServer
let configFile: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'serve-test-'))
  await mkdir(join(directory, 'files'))
  server = await startDemoServer({ directory: join(directory, 'files') })
  configFile = join(directory, 'gateway.yaml')
})
afterEach(async () => {
  await endPrograms()
  await server.close()
  await rm(directory, { recursive: true })
})

/** A configuration on free ports; each line replaces or adds a top-level key. */
async function configure(lines: Readonly<Record<string, string>> = {}): Promise<void> {
  const settings = {
    version: '1',
    listeners: '[{ name: explicit, address: 127.0.0.1, port: 0 }]',
    passive: '{ ports: 0 }',
    backends: `[{ name: main, host: 127.0.0.1, port: ${server.port}, hostKeys: ["${server.hostKey}"] }]`,
    admin: '{ port: 0 }',
    ...lines,
  }
  await writeFile(
    configFile,
    Object.entries(settings)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  )
}

async function serve(): Promise<{ program: Program; port: string }> {
  const program = startProgram(['--config', configFile])
  const [, port = ''] = await program.until(/"event":"gateway\.listening".*"port":(\d+)/)
  return { program, port }
}

/** The command line of a curl that uploads what it is given on standard input, as slowly as we give it. */
function upload(port: string): string[] {
  const account = `${server.username}:${server.password}`
  return ['-sS', '-k', '--ssl-reqd', '-u', account, '-T', '-', `ftp://127.0.0.1:${port}/slow`]
}

/** A transfer that runs until its standard input ends. */
async function startUpload(port: string) {
  const curl = spawn('curl', upload(port), { stdio: ['pipe', 'ignore', 'pipe'] })
  curl.stdin.on('error', () => undefined)
  curl.stdin.write('begin')
  // The gateway collects an upload in a file of its own beside the target.
  await vi.waitFor(async () => expect(await readdir(join(directory, 'files'))).toHaveLength(1), { timeout: 20_000 })
  return { curl, ended: once(curl, 'close') as Promise<[number | null]> }
}

describe('ftps-gateway serve', () => {
  test('runs in front of an SFTP server until SIGTERM, then exits with 0', async () => {
    await configure()
    const { program, port } = await serve()
    const { code, stderr } = await run('curl', upload(port), { input: 'content' })
    expect([code, stderr]).toEqual([0, ''])
    program.signal('SIGTERM')
    expect(await program.ended).toBe(0)
    for (const event of ['gateway.started', 'tls.certificate', 'login.ok', 'transfer.done', 'gateway.stopped']) {
      expect(program.output()).toContain(`"event":"${event}"`)
    }
    expect(program.output()).not.toContain(server.password)
  })

  test('writes down what its clients do where there is a state directory, and says when there is none', async () => {
    await configure({ state: '{ directory: state }' })
    const { program, port } = await serve()
    expect((await run('curl', upload(port), { input: 'content' })).code).toBe(0)
    program.signal('SIGTERM')
    await program.ended
    const [name = ''] = await readdir(join(directory, 'state', 'journal'))
    const rows = rowsOf(await readFile(join(directory, 'state', 'journal', name), 'utf8'))
    const { counts } = sumOf(rows.map(({ usage }) => usage))
    expect(counts).toMatchObject({ total: { logins: 1, uploads: 1, uploadBytes: 7 }, client: { curl: 1 } })

    await configure()
    const { program: other } = await serve()
    await other.until(/"event":"gateway\.journal".*state\.directory is not set/)
  })

  test('takes a changed configuration over on SIGHUP, and keeps the old one when the new one is faulty', async () => {
    await configure()
    const { program, port } = await serve()
    await configure({ tsl: '{}' })
    program.signal('SIGHUP')
    await program.until(/"event":"config\.refused".*tsl/)
    expect((await run('curl', upload(port), { input: 'x' })).code).toBe(0)
    await configure({ logging: '{ level: warn }' })
    program.signal('SIGHUP')
    await program.until(/"event":"config\.reloaded".*log level warn/)
    expect((await run('curl', upload(port), { input: 'x' })).code).toBe(0)
  })

  test('opens the transfer log anew on SIGHUP, and takes a change of it over without a restart', async () => {
    const written = async (file: string) => (await readFile(join(directory, file), 'utf8')).split('\n').length - 1
    const reload = async (log: string) => {
      await configure({ logging: `{ transferLog: { file: ${log} } }` })
      const reloads = program.output().split('config.reloaded').length
      program.signal('SIGHUP')
      await vi.waitFor(() => expect(program.output().split('config.reloaded')).toHaveLength(reloads + 1), 20_000)
    }
    await configure({ logging: '{ transferLog: { file: transfers.log } }' })
    const { program, port } = await serve()
    const send = async () => expect((await run('curl', upload(port), { input: 'x' })).code).toBe(0)
    await send()
    await rename(join(directory, 'transfers.log'), join(directory, 'transfers.log.1'))
    await send()
    expect(await written('transfers.log.1')).toBe(2)
    await reload('transfers.log')
    await send()
    await reload('other.log')
    await send()
    expect(await Promise.all(['transfers.log.1', 'transfers.log', 'other.log'].map(written))).toEqual([2, 1, 1])
    await configure({ logging: '{ transferLog: { file: none/transfers.log } }' })
    program.signal('SIGHUP')
    await program.until(/"event":"config\.refused".*transferLog\.file: .*none\/transfers\.log does not exist/)
    await send()
    expect(await written('other.log')).toBe(2)
    expect(program.output()).not.toContain('needs a restart')
  })

  test('does not start when the transfer log cannot be opened, and says why', async () => {
    await configure({ logging: '{ transferLog: { file: none/transfers.log } }' })
    const program = startProgram(['--config', configFile])
    expect(await program.ended).toBe(69)
    expect(program.output()).toMatch(/logging\.transferLog\.file: .*none\/transfers\.log does not exist/)
  })

  test('warns at start where data connections may come from everywhere', async () => {
    await configure({ passive: '{ ports: 0, peerMustMatch: any }' })
    const { program } = await serve()
    await program.until(/passive\.peerMustMatch is any for everybody, .* only tls\.sessionReuse: require proves/)
  })

  test('says of a data connection that did not come what the client was told, and why it may have been', async () => {
    await configure({
      listeners: '[{ name: plain, address: 127.0.0.1, port: 0, tls: off }]',
      passive: '{ ports: 0, advertiseFor: [{ from: 127.0.0.0/8, address: 198.51.100.7 }] }',
      timeouts: '{ dataConnect: 200ms }',
    })
    const { program, port } = await serve()
    const client = await Dialogue.connect({ port: Number(port), tls: 'off', certificate: '' })
    await client.dialogue('< 220', `> USER ${server.username}`, '< 331')
    await client.send(`PASS ${server.password}`, 'PASS [secret]')
    await client.dialogue('< 230', '> PASV', '< 227 Entering Passive Mode (198,51,100,7,', '> LIST', '< 150', '< 425')
    await client.dialogue('> QUIT', '< 221')
    const [line] = await program.until(/.*"event":"data\.missing".*/)
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      advertised: expect.stringMatching(/^198\.51\.100\.7:\d+$/),
      client: '127.0.0.1',
      cause: 'advertised_public',
      message: expect.stringMatching(/127\.0\.0\.1 was told 198\.51\.100\.7:\d+ and waited 0\.2 s; .*advertiseFor/),
    })
  })

  test('lets a transfer finish after SIGTERM', async () => {
    await configure()
    const { program, port } = await serve()
    const { curl, ended } = await startUpload(port)
    program.signal('SIGTERM')
    await program.until(/"event":"gateway\.draining"/)
    curl.stdin.end('end')
    expect((await ended)[0]).toBe(0)
    expect(await readFile(join(directory, 'files/slow'), 'utf8')).toBe('beginend')
    expect(await program.ended).toBe(0)
  })

  test('cuts a transfer on a second SIGTERM', async () => {
    await configure()
    const { program, port } = await serve()
    const { curl, ended } = await startUpload(port)
    program.signal('SIGTERM')
    await program.until(/"event":"gateway\.draining"/)
    program.signal('SIGTERM')
    expect(await program.ended).toBe(0)
    // While curl waits for standard input it looks at nothing else.
    curl.stdin.end()
    expect((await ended)[0]).not.toBe(0)
    expect(program.output()).not.toContain('"event":"transfer.done"')
    expect(await readdir(join(directory, 'files'))).not.toContain('slow')
  })

  test('goes on when nobody reads its log any more, and stops in order', async () => {
    await configure()
    const { program, port } = await serve()
    program.stopReading()
    for (const input of ['one', 'two']) expect((await run('curl', upload(port), { input })).code).toBe(0)
    program.signal('SIGTERM')
    expect(await program.ended).toBe(0)
  })

  test('exits with 69 and one line when no backend can be reached', async () => {
    await configure()
    await server.close()
    const program = startProgram(['serve', '--config', configFile])
    expect(await program.ended).toBe(69)
    expect(program.output()).toMatch(/^ftps-gateway: no backend can be used: backend main: .*$/m)
    server = await startDemoServer({ directory: join(directory, 'files') })
  })

  test('exits with 78 and every fault as file:line:column', async () => {
    await configure({ tsl: '{}', limits: '{ sessions: many }' })
    const program = startProgram(['serve', '--config', configFile])
    expect(await program.ended).toBe(78)
    expect(program.output()).toMatch(/gateway\.yaml:6:\d+ tsl: .*\n.*gateway\.yaml:7:\d+ limits\.sessions: /)
  })

  test('is well for `health` while it runs, and not afterwards', async () => {
    await configure({ admin: '{ port: 0 }' })
    const { program } = await serve()
    // The port is chosen by the system, so it is looked up among those that the process listens on.
    const sockets = (await run('ss', ['-Hltnp'])).stdout.toString()
    const ports = sockets.split('\n').flatMap((line) => {
      return line.includes(`pid=${program.pid},`) ? [/:(\d+) /.exec(line)?.[1] ?? ''] : []
    })
    const health = async () => Promise.all(ports.map((port) => run(process.execPath, [main, 'health', '--port', port])))
    expect((await health()).map(({ code }) => code)).toContain(0)
    program.signal('SIGTERM')
    await program.ended
    expect(new Set((await health()).map(({ code }) => code))).toEqual(new Set([1]))
  })
})

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type DemoServer, startDemoServer } from '../../src/demo/demo-server.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { Dialogue } from '../support/dialogue.ts'
import { freePort } from '../support/free-port.ts'
import { ground } from '../support/ground.ts'
import { program } from '../support/packages.ts'
import { signal } from '../support/processes.ts'
import { run, runOk } from '../support/run.ts'

const units = resolve('deploy/systemd')
const support = join(import.meta.dirname, '../support')
const main = resolve('dist/main.js')

let folder: string
let runFolder: string
const stops: (() => Promise<void>)[] = []
beforeEach(async () => {
  runFolder = (await ground()).runFolder
  folder = mkdtempSync(join(runFolder, 'systemd-'))
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
  rmSync(folder, { recursive: true })
})

async function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Daemon> {
  const daemon = await startDaemon(command, args, { runFolder, env, cwd: folder })
  stops.push(daemon.stop)
  return daemon
}

async function until<T>(what: () => T | undefined | false, why: () => string): Promise<T> {
  const found = await vi.waitUntil(what, { timeout: 30_000, interval: 20 }).catch((error: unknown) => {
    throw new Error(`waited in vain: ${why()}`, { cause: error })
  })
  return found as T
}

/** A gateway's configuration in front of a server of its own. */
async function configured(listener: object): Promise<{ file: string; server: DemoServer }> {
  mkdirSync(join(folder, 'files'))
  const server = await startDemoServer({ directory: join(folder, 'files') })
  stops.push(() => server.close())
  const file = join(folder, 'gateway.yaml')
  const settings = {
    version: 1,
    listeners: [{ name: 'explicit', address: '127.0.0.1', ...listener }],
    passive: { ports: 0 },
    backends: [{ name: 'main', host: '127.0.0.1', port: server.port, hostKeys: [server.hostKey] }],
    admin: 'off',
    shutdown: { drain: '3s' },
    state: { directory: 'state' },
  }
  writeFileSync(file, JSON.stringify(settings))
  return { file, server }
}

const command = (file: string) => [process.execPath, main, 'serve', '--config', file]

describe('The units', () => {
  /** Where the machine's Node is need not be where the units say. */
  beforeEach(() => {
    for (const name of readdirSync(units)) copyFileSync(join(units, name), join(folder, name))
    const service = join(folder, 'ftps-gateway.service')
    writeFileSync(service, readFileSync(service, 'utf8').replace('/usr/bin/node', process.execPath))
  })

  test('are clean for systemd-analyze verify', async () => {
    const files = readdirSync(folder).filter((name) => /\.(service|socket)$/.test(name))
    expect(files.length).toBe(3)
    const said = await run(program('systemd-analyze'), [
      'verify',
      '--man=no',
      ...files.map((name) => join(folder, name)),
    ])
    expect({ code: said.code, stderr: said.stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('leave the service exposed by no more than 2.0 of 10', async () => {
    const service = join(folder, 'ftps-gateway.service')
    const args = ['security', '--offline=true', '--no-pager', '--threshold=20', service]
    const { code, stdout } = await run(program('systemd-analyze'), args)
    const [, level = ''] = /Overall exposure level for ftps-gateway\.service: ([\d.]+)/.exec(stdout.toString()) ?? []
    expect(code).toBe(0)
    expect(Number(level)).toBeGreaterThan(0)
    expect(Number(level)).toBeLessThanOrEqual(2)
  })

  test('have a user and folders, which the gateway reads and root writes', async () => {
    const root = join(folder, 'root')
    for (const name of ['etc/ftps-gateway/keys', 'var/lib']) mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(root, 'etc/ftps-gateway/keys/acme'), 'key', { mode: 0o644 })
    const conf = (name: string) => join(folder, `ftps-gateway.${name}.conf`)
    await runOk(program('systemd-sysusers'), [`--root=${root}`, conf('sysusers')])
    const [, gid = ''] = /^ftps-gateway:[^:]*:(\d+):/m.exec(readFileSync(join(root, 'etc/group'), 'utf8')) ?? []
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toMatch(/^ftps-gateway:.*:\/usr\/sbin\/nologin$/m)
    await runOk(program('systemd-tmpfiles'), ['--create', `--root=${root}`, conf('tmpfiles')])
    const mode = async (path: string) =>
      (await runOk('stat', ['--format=%a %u %g', join(root, 'etc/ftps-gateway', path)])).toString().trim()
    expect(await mode('.')).toBe(`750 0 ${gid}`)
    expect(await mode('partners.d')).toBe(`750 0 ${gid}`)
    expect(await mode('keys/acme')).toBe(`640 0 ${gid}`)
  })
})

describe('The service manager', () => {
  test('hears when the gateway serves, reloads and ends, and that it is alive', async () => {
    const { file } = await configured({ port: 0 })
    const socket = join(folder, 'notify')
    const ear = await start(program('/usr/bin/python3'), [join(support, 'notify-socket.py'), socket])
    await until(() => ear.log().includes('ready'), ear.log)
    const messages = () =>
      ear
        .log()
        .split('\n')
        .flatMap((line) => (line.startsWith('[') ? [JSON.parse(line) as string[]] : []))
    const heard = () => messages().map(String)
    const env = { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' }
    const [node = '', ...args] = command(file)
    const gateway = await start(node, args, env)
    const told = (pattern: RegExp, count = 1) =>
      until(
        () => heard().filter((text) => pattern.test(text)).length >= count,
        () => `${pattern} in ${ear.log()}\n${gateway.log()}`,
      )

    await told(/^READY=1/)
    expect(messages().find(([first]) => first === 'READY=1')).toContainEqual(
      expect.stringMatching(/^STATUS=serving explicit on port \d+$/),
    )
    await told(/^WATCHDOG=1$/, 2)
    signal(gateway.pid, 'SIGHUP')
    await told(/^READY=1/, 2)
    signal(gateway.pid, 'SIGTERM')
    await until(() => !gateway.running(), gateway.log)
    expect(gateway.log()).toContain('[ended with 0]')
    await told(/^STOPPING=1,STATUS=/)
    const order = heard()
      .filter((text) => /^(READY|RELOADING|STOPPING)=1/.test(text))
      .map((text) => text.slice(0, 5))
    expect(order).toEqual(['READY', 'RELOA', 'READY', 'STOPP'])
  })

  test('passes the socket of a listener, as systemd-socket-activate does', async () => {
    const { file, server } = await configured({ port: 1 })
    const port = await freePort()
    const activate = ['-l', `127.0.0.1:${port}`, '--fdname=explicit', '-E', 'PATH']
    const gateway = await start(program('systemd-socket-activate'), [...activate, ...command(file)])
    await until(() => gateway.log().includes('Listening on'), gateway.log)
    const account = `${server.username}:${server.password}`
    const url = `ftp://127.0.0.1:${port}/in.txt`
    const sent = await run('curl', ['-sS', '-k', '--ssl-reqd', '-u', account, '-T', '-', url], { input: 'by a socket' })
    expect({ code: sent.code, stderr: sent.stderr, log: gateway.log() }).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(join(folder, 'files/in.txt'), 'utf8')).toBe('by a socket')
    expect(gateway.log()).toContain(`"port":${port}`)
  })

  test('keeps who connects while the gateway is restarted', async () => {
    const { file, server } = await configured({ port: 1 })
    const unit = await start(program('/usr/bin/python3'), [join(support, 'socket-unit.py'), ...command(file)])
    const services = () => [...unit.log().matchAll(/^service (\d+)$/gm)].map(([, pid]) => Number(pid))
    const listening = () => unit.log().match(/"gateway\.listening"/g)?.length ?? 0
    await until(() => listening() === 1, unit.log)
    const [, port = ''] = /^port (\d+)$/m.exec(unit.log()) ?? []
    const client = () =>
      Dialogue.connect({ port: Number(port), tls: 'explicit', certificate: join(folder, 'state/tls/cert.pem') })

    const busy = await client()
    await busy.dialogue('< 220')
    await busy.secure()
    await busy.dialogue(`> USER ${server.username}`, '< 331', `> PASS ${server.password}`, '< 230')
    await busy.dialogue('> PBSZ 0', '< 200', '> PROT P', '< 200', '> EPSV', '< 229', '> STOR held', '< 150')
    signal(services()[0] ?? 0, 'SIGTERM')
    await until(() => unit.log().includes('"gateway.draining"'), unit.log)
    // The first gateway still has a transfer; this one is not for it.
    const next = client()
    expect(services().length).toBe(1)
    busy.close()
    await until(() => listening() === 2, unit.log)
    const greeted = await next
    await greeted.dialogue('< 220')
    greeted.close()
  })

  test('keeps its socket through reloads: another port means nothing, and a listener that is gone lets nobody in', async () => {
    const { file } = await configured({ port: 1 })
    const unit = await start(program('/usr/bin/python3'), [join(support, 'socket-unit.py'), ...command(file)])
    await until(() => unit.log().includes('"gateway.listening"'), unit.log)
    const [, port = ''] = /^port (\d+)$/m.exec(unit.log()) ?? []
    const [, service = ''] = /^service (\d+)$/m.exec(unit.log()) ?? []
    const client = () => Dialogue.connect({ port: Number(port), tls: 'explicit', certificate: '' })
    const reload = async (listeners: readonly object[], words: RegExp) => {
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), listeners }))
      signal(Number(service), 'SIGHUP')
      await until(() => words.test(unit.log()), unit.log)
    }
    const explicit = { name: 'explicit', address: '127.0.0.1', port: await freePort() }
    const greeted = async () => {
      const guest = await client()
      await guest.dialogue('< 220')
      guest.close()
    }

    await reload([explicit], /its socket is the service manager's and stays as it is/)
    await greeted()
    await reload([{ ...explicit, name: 'other', port: 0 }], /config\.reloaded.*listener explicit removed/)
    await (await client()).closed()
    await reload([{ ...explicit, requireTls: false }], /config\.reloaded.*listener explicit added/)
    await greeted()
  })
})

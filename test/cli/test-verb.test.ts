import { EventEmitter, once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { namesIn } from '../support/fixtures.ts'
import { ground } from '../support/ground.ts'
import { processTree } from '../support/processes.ts'
import { startProftpd } from '../support/proftpd.ts'
import { run } from '../support/run.ts'
import type { SftpServer } from '../support/sftp-server.ts'
import { startSshd } from '../support/sshd.ts'
import { mountTmpfs } from '../support/tmpfs.ts'
import { sayVerb } from '../support/verb.ts'
import { main } from './program.ts'

const running: SftpServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

async function started<S extends SftpServer>(server: Promise<S>): Promise<S> {
  running.push(await server)
  return server
}

/** OpenSSH's internal-sftp with further arguments, in a home of its own. */
const startedWith = (args: string) => started(startSshd({ subsystem: `internal-sftp -d {home} ${args}` }))

/** A configuration with this backend, and what else it says. */
async function configFor(server: Pick<SftpServer, 'host' | 'port' | 'knownHosts'>, more = ''): Promise<string> {
  const { runFolder } = await ground()
  const folder = mkdtempSync(join(runFolder, 'test-verb-'))
  writeFileSync(join(folder, 'known_hosts'), server.knownHosts)
  const backend = `{ name: main, host: ${server.host}, port: ${server.port}, knownHosts: known_hosts }`
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, `version: 1\nbackends: [${backend}]\n${more}`)
  return file
}

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface Trial {
  readonly args?: readonly string[]
  readonly more?: string
  readonly password?: string
  readonly onText?: (text: string) => void
  readonly signals?: EventEmitter
  /** Whether it comes as far as the server's files. */
  readonly entered?: boolean
}

/** `ftps-gateway test` in this process, as the server's user; no output ever shows the password. */
async function tryOut(server: SftpServer, trial: Trial = {}): Promise<Outcome> {
  const {
    args = [],
    more,
    password = server.user.password,
    onText,
    signals = new EventEmitter(),
    entered = true,
  } = trial
  const [file, env] = [await configFor(server, more), { BACKEND_PASSWORD: password }]
  const account = ['--user', server.user.name, '--password-env', 'BACKEND_PASSWORD']
  const said = await sayVerb(['test', '--config', file, ...account, ...args], { env, signals, onText })
  expect(said.stdout + said.stderr).not.toContain(password)
  // Else nothing could be left where the tests look for it.
  if (entered && said.code !== 69) expect(said.stdout).toContain(server.home)
  return said
}

/** Steps by name, each with its state. */
function states({ stdout }: Outcome): Record<string, string> {
  const lines = stdout.matchAll(
    /^(ok|missing|failed|-) +(directory|create|write|fsync|size|close|rename|replace|read back|space|list|remove) /gm,
  )
  return Object.fromEntries([...lines].map(([, state = '', name = '']) => [name, state]))
}

const chain = ['directory', 'create', 'write', 'fsync', 'size', 'close', 'rename', 'replace']
const all = [...chain, 'read back', 'space', 'list', 'remove']
const every = (state: string, names = all) => Object.fromEntries(names.map((name) => [name, state]))

test('OpenSSH can do all that uploads need; the server is shown, and nothing is left behind', async () => {
  const sshd = await started(startSshd())
  const outcome = await tryOut(sshd)
  expect(outcome).toMatchObject({ code: 0, stderr: '' })
  expect(states(outcome)).toEqual(every('ok'))
  const { stdout } = outcome
  expect(Object.values(sshd.fingerprints).some((print) => stdout.includes(`host key    ${print}\n`))).toBe(true)
  expect(stdout).toMatch(/server {6}OpenSSH_/)
  expect(stdout).toMatch(/extensions {2}.*posix-rename@openssh\.com/)
  expect(stdout).toContain(`directory   ${sshd.home}\n`)
  expect(stdout).toMatch(/capabilities {2}.*rename: posix/)
  expect(stdout).toMatch(/\nUploads work\.\n$/)
  expect(namesIn(sshd.home)).toEqual([])
})

test('F37 the server has no extension: the test verb says what that means for uploads, which work', async () => {
  const sshd = await startedWith('-P posix-rename,fsync,limits,statvfs,fstatvfs')
  const outcome = await tryOut(sshd)
  expect(outcome).toMatchObject({ code: 0, stderr: '' })
  expect(states(outcome)).toEqual({ ...every('ok'), fsync: 'missing', replace: 'missing', space: 'missing' })
  expect(outcome.stdout).toMatch(
    /^missing {2}replace {4}no posix-rename\. An upload over an existing file is done in two/m,
  )
  expect(outcome.stdout).toMatch(/\nUploads work, with limits: fsync, replace, space\.\n$/)
  expect(namesIn(sshd.home)).toEqual([])
})

test('the folder in which uploads are collected is made where it is missing, as an upload makes it', async () => {
  const sshd = await started(startSshd())
  const more = 'upload: { mode: staging, staging: .in }\n'
  const outcome = await tryOut(sshd, { more })
  expect(outcome).toMatchObject({ code: 0, stderr: '' })
  expect(states(outcome)).toEqual(every('ok'))
  expect(namesIn(sshd.home)).toEqual(['.in'])
  expect(namesIn(join(sshd.home, '.in'))).toEqual([])
  chownSync(join(sshd.home, '.in'), 0, 0)
  expect((await tryOut(sshd, { more })).stdout).toMatch(
    /^failed {3}create .* in a new file in \/.*\/\.in; the account/m,
  )
})

test('ProFTPD: uploads work, and nothing is left behind', async () => {
  const proftpd = await started(startProftpd())
  const outcome = await tryOut(proftpd)
  expect(outcome).toMatchObject({ code: 0, stderr: '' })
  expect(states(outcome)).toEqual(every('ok'))
  expect(outcome.stdout).toMatch(/server {6}mod_sftp/)
  expect(namesIn(proftpd.home)).toEqual([])
})

test('a read-only server: uploads do not work, exit code 1; what was not tried says why', async () => {
  const sshd = await startedWith('-R')
  const outcome = await tryOut(sshd)
  expect(outcome).toMatchObject({ code: 1, stderr: '' })
  const skipped = every('-', chain.slice(2))
  const tried = { directory: 'ok', create: 'failed', space: 'ok', list: 'ok', remove: 'ok', 'read back': '-' }
  expect(states(outcome)).toEqual({ ...skipped, ...tried })
  expect(outcome.stdout).toMatch(/^failed {3}create {5}permission denied .*the right to make one there/m)
  expect(outcome.stdout).toContain('not tried: create failed')
  expect(outcome.stdout).toMatch(/\nUploads do not work: create\.\n$/)
  expect(namesIn(sshd.home)).toEqual([])
})

test('a directory that may not be written to is told; --directory names it', async () => {
  const sshd = await started(startSshd())
  mkdirSync(join(sshd.home, "root's"), { mode: 0o755 })
  const outcome = await tryOut(sshd, { args: ['--directory', "root's"] })
  expect([outcome.code, states(outcome)['create']]).toEqual([1, 'failed'])
  expect(outcome.stdout).toContain(`directory   ${sshd.home}/root's\n`)
  expect(namesIn(join(sshd.home, "root's"))).toEqual([])
})

test('a directory that is not there is told, and nothing is made anywhere', async () => {
  const sshd = await started(startSshd())
  const outcome = await tryOut(sshd, { args: ['main', '--directory', 'none'] })
  expect([outcome.code, states(outcome)['directory'], states(outcome)['remove']]).toEqual([1, 'failed', '-'])
  expect(outcome.stdout).toMatch(
    /^failed {3}directory {2}no such file or directory .*name another one with --directory$/m,
  )
  expect(namesIn(sshd.home)).toEqual([])
})

test('where nothing may be removed uploads work, and what is left is named', async () => {
  const sshd = await startedWith('-P remove')
  const outcome = await tryOut(sshd)
  expect(outcome.code).toBe(0)
  expect(states(outcome)).toEqual({ ...every('ok'), remove: 'failed' })
  const [left, ...more] = namesIn(sshd.home)
  expect(more).toEqual([])
  expect(outcome.stdout).toContain(`remove     ${sshd.home}/${left} may be left: permission denied`)
})

test('where nothing may be renamed uploads do not work, and nothing is left behind', async () => {
  const sshd = await startedWith('-P rename,posix-rename')
  const outcome = await tryOut(sshd)
  expect(outcome.code).toBe(1)
  expect(states(outcome)).toMatchObject({ close: 'ok', rename: 'failed', replace: '-', remove: 'ok' })
  expect(namesIn(sshd.home)).toEqual([])
})

test('a full disk: no space, exit code 1, and nothing is left behind', async () => {
  const sshd = await started(startSshd())
  const disk = join(sshd.home, 'disk')
  const unmount = await mountTmpfs(disk, sshd.user, '256k')
  try {
    writeFileSync(join(disk, 'full'), Buffer.alloc(256 * 1024))
    const outcome = await tryOut(sshd, { args: ['--directory', disk] })
    expect(outcome.code).toBe(1)
    expect(states(outcome)).toMatchObject({ create: 'ok', write: 'failed', space: 'failed', remove: 'ok' })
    expect(outcome.stdout).toMatch(/^failed {3}write {6}there is no space left .*Make room/m)
    expect(namesIn(disk)).toEqual(['full'])
  } finally {
    await unmount()
  }
})

test('a wrong password is a backend that cannot be entered: 69, and what to look at', async () => {
  const sshd = await started(startSshd())
  const { code, stdout, stderr } = await tryOut(sshd, { password: 'a wrong one' })
  expect(code).toBe(69)
  expect(stdout).toMatch(/^backend main \(127\.0\.0\.1 port \d+\), user \S+ with a password\n$/)
  expect(stderr).toMatch(
    /^ftps-gateway: backend main: the backend refused the login\. Check user name and password.*\n$/,
  )
  expect(namesIn(sshd.home)).toEqual([])
})

test('a backend that is down: 69, and what to look at', async () => {
  const sshd = await startSshd()
  await sshd.stop()
  const { code, stderr } = await tryOut(sshd)
  expect(code).toBe(69)
  expect(stderr).toMatch(/^ftps-gateway: backend main: .*ECONNREFUSED.*\. Check host and port of the backend/)
})

test('--json prints one object, for a backend that works and for one that is down', async () => {
  const sshd = await startSshd()
  const works = await tryOut(sshd, { args: ['--json'] }).finally(sshd.stop)
  const { name } = sshd.user
  expect([works.code, works.stdout.split('\n').length]).toEqual([0, 2])
  const report = JSON.parse(works.stdout)
  expect(report).toMatchObject({ backend: 'main', port: sshd.port, user: name, outcome: 'works', directory: sshd.home })
  expect(report.capabilities).toMatchObject({ rename: 'posix', fsync: true })
  expect(report.steps.map((step: { name: string }) => step.name)).toEqual(all)
  const down = await tryOut(sshd, { args: ['--json'] })
  expect(down).toMatchObject({ code: 69, stderr: '' })
  expect(JSON.parse(down.stdout)).toMatchObject({
    outcome: 'unavailable',
    advice: expect.stringMatching(/^Check host/),
  })
})

test('a backend that is lost in the middle: 69, and what was made is removed over another connection', async () => {
  const sshd = await started(startSshd())
  const lose = (text: string) => {
    if (!text.startsWith('ok       write')) return
    expect(namesIn(sshd.home)).toHaveLength(1)
    for (const child of processTree(sshd.pid).slice(1)) process.kill(child, 'SIGKILL')
  }
  const outcome = await tryOut(sshd, { onText: lose })
  expect(outcome.code).toBe(69)
  expect(states(outcome)).toMatchObject({ write: 'ok', fsync: 'failed', remove: 'ok' })
  expect(outcome.stdout).toMatch(/\nThe backend went away meanwhile\./)
  expect(namesIn(sshd.home)).toEqual([])
})

test('Ctrl-C ends it after the step that runs, and what was made is removed', async () => {
  const sshd = await started(startSshd())
  const signals = new EventEmitter()
  const interrupt = (text: string) => void (text.startsWith('ok       write') && signals.emit('SIGINT'))
  const outcome = await tryOut(sshd, { onText: interrupt, signals })
  expect(outcome.code).toBe(1)
  expect(states(outcome)).toMatchObject({ write: 'ok', fsync: '-', rename: '-', list: '-', remove: 'ok' })
  expect(namesIn(sshd.home)).toEqual([])
})

test('Ctrl-C ends it while a server that says nothing is waited for', async () => {
  const signals = new EventEmitter()
  const mute = createServer(() => signals.emit('SIGINT')).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const { port } = mute.address() as AddressInfo
  const sshd = await started(startSshd())
  const server = { ...sshd, port, knownHosts: sshd.knownHosts.replaceAll(`:${sshd.port}`, `:${port}`) }
  const { code, stderr } = await tryOut(server, { signals, entered: false }).finally(() => mute.close())
  expect([code, stderr]).toEqual([1, 'ftps-gateway: backend main: interrupted\n'])
})

test("a partner's own key is tried out below its root, without asking for anything", async () => {
  const sshd = await started(startSshd())
  const root = join(sshd.home, 'acme')
  mkdirSync(join(root, 'in'), { recursive: true })
  for (const folder of [root, join(root, 'in')]) chownSync(folder, sshd.user.uid, sshd.user.gid)
  const config = await configFor(sshd, 'partners: p.yaml\n')
  const auth = `{ mode: local, passwordHash: "${await hashPassword('x')}", sftp: { username: ${sshd.user.name}, privateKey: ${sshd.privateKey} } }`
  writeFileSync(join(config, '../p.yaml'), `name: acme\nmatch: { users: [acme] }\nroot: ${root}\nauth: ${auth}\n`)
  const tried = await run(process.execPath, [main, 'test', 'acme', '--config', config, '--directory', '/in'])
  expect(tried.stderr).toBe('')
  expect(tried.code).toBe(0)
  const stdout = tried.stdout.toString()
  expect(stdout).toMatch(/^backend main .* of partner acme with a key\n/)
  expect(stdout).toContain(`directory   ${root}/in\n`)
  expect(namesIn(join(root, 'in'))).toEqual([])
  const unsaid = await run(process.execPath, [main, 'test', '--config', config])
  expect([unsaid.code, unsaid.stderr]).toEqual([64, expect.stringContaining('Say --user NAME or --partner acme\n')])
  writeFileSync(join(config, '../p.yaml'), `name: main\nmatch: { users: [acme] }\nroot: ${root}\nauth: ${auth}\n`)
  const doubtful = await run(process.execPath, [main, 'test', 'main', '--config', config])
  const question = expect.stringContaining('"main" is a backend and a partner: say --backend main or --partner main')
  expect([doubtful.code, doubtful.stderr]).toEqual([64, question])
  const said = await run(process.execPath, [
    main,
    'test',
    '--partner',
    'main',
    '--config',
    config,
    '--directory',
    '/in',
  ])
  expect([said.code, said.stderr]).toEqual([0, ''])
})

test('the password comes from standard input, and is not a word of the command line', async () => {
  const sshd = await started(startSshd())
  const config = await configFor(sshd)
  const args = [main, 'test', '--config', config, '--user', sshd.user.name]
  const tried = await run(process.execPath, args, { input: `${sshd.user.password}\n` })
  expect([tried.code, tried.stderr]).toEqual([0, ''])
  expect(tried.stdout.toString()).not.toContain(sshd.user.password)
  const asWord = await run(process.execPath, [...args, '--password', 'secret'])
  expect([asWord.code, asWord.stderr]).toEqual([64, expect.stringContaining("unknown option '--password'")])
})

test('a backend or a partner that the configuration does not have is wrong usage', async () => {
  const sshd = await started(startSshd())
  const config = await configFor(sshd)
  for (const words of [
    ['mian'],
    ['--partner', 'acme'],
    ['--backend', 'acme'],
    ['main', 'more'],
    ['main', '--partner', 'acme'],
  ]) {
    const { code } = await run(process.execPath, [main, 'test', '--config', config, ...words])
    expect(code, words.join(' ')).toBe(64)
  }
})

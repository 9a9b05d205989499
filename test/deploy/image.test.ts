import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type DemoServer, startDemoServer } from '../../src/demo/demo-server.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { freePort } from '../support/free-port.ts'
import { ground } from '../support/ground.ts'
import { program } from '../support/packages.ts'
import { run, runOk } from '../support/run.ts'

const minutes = 60_000

let folder: string
let root: string
let facts: { readonly config: ImageConfig }
let server: DemoServer
let gateway: Daemon
let port: number

interface ImageConfig {
  readonly User: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly Env: readonly string[]
  readonly Healthcheck: { readonly Test: readonly string[] }
  readonly Labels: Readonly<Record<string, string>>
}

/** Built by buildah on debootstrap's base, then unpacked: what a container of it would see. */
beforeAll(async () => {
  const { runFolder } = await ground()
  folder = mkdtempSync(join(runFolder, 'image-'))
  chmodSync(folder, 0o755)
  const archive = join(folder, 'image.tar')
  // Debian's base is kept for the next run.
  const base = join(tmpdir(), 'ftps-gateway-tests', 'image-base')
  const env = { ...process.env, BASE: base, NODE: process.execPath }
  await runOk(resolve('deploy/image/build.sh'), [archive], { env, timeoutMs: 9 * minutes })
  const parts = join(folder, 'parts')
  root = join(folder, 'root')
  for (const path of [parts, root]) mkdirSync(path)
  await runOk('tar', ['-C', parts, '-xf', archive])
  const [{ Config, Layers }] = JSON.parse(readFileSync(join(parts, 'manifest.json'), 'utf8'))
  for (const layer of Layers) await runOk('tar', ['-C', root, '-xf', join(parts, layer)], { timeoutMs: 2 * minutes })
  facts = JSON.parse(readFileSync(join(parts, Config), 'utf8'))
  rmSync(archive)
  rmSync(parts, { recursive: true })

  const files = join(folder, 'files')
  mkdirSync(files)
  server = await startDemoServer({ directory: files })
  gateway = await startInImage(runFolder)
}, 12 * minutes)

afterAll(async () => {
  await gateway?.stop()
  await server?.close()
  rmSync(folder, { recursive: true })
})

const command = () => [...facts.config.Entrypoint, ...facts.config.Cmd]

/** As a container runtime would: a root that nobody may write to, a volume, the configuration, and no rights at all. */
async function startInImage(runFolder: string): Promise<Daemon> {
  const config = join(folder, 'config')
  mkdirSync(config)
  const settings = {
    version: 1,
    listeners: [{ name: 'explicit', address: '127.0.0.1', port: 0 }],
    passive: { ports: 0 },
    backends: [{ name: 'main', host: '127.0.0.1', port: server.port, hostKeys: [server.hostKey] }],
    admin: { address: '127.0.0.1', port: await freePort() },
    state: { directory: '/var/lib/ftps-gateway' },
  }
  writeFileSync(join(config, 'gateway.yaml'), JSON.stringify(settings))
  const script = `set -eu
    root=$1 config=$2; shift 2
    mount --bind "$root" "$root"
    mount --bind -o ro "$config" "$root/etc/ftps-gateway"
    mount -t tmpfs -o uid=1000,gid=1000,mode=0700 tmpfs "$root/var/lib/ftps-gateway"
    mount -o remount,bind,ro "$root"
    exec chroot --userspec=1000:1000 "$root" "$@"`
  const args = [
    '--mount',
    'sh',
    '-c',
    script,
    'sh',
    root,
    config,
    '/usr/bin/env',
    '-i',
    ...facts.config.Env,
    ...command(),
  ]
  const daemon = await startDaemon(program('unshare'), args, { runFolder })
  const listening = () => /"event":"gateway\.listening".*"port":(\d+)/.exec(daemon.log())
  await vi.waitUntil(() => listening() || !daemon.running(), { timeout: minutes })
  if (!listening()) throw new Error(daemon.log())
  port = Number(listening()?.[1])
  return daemon
}

/** Another command in the running container. */
function inside(...words: readonly string[]) {
  const user = ['--setuid', '1000', '--setgid', '1000']
  return run(program('nsenter'), [
    '-t',
    String(gateway.pid),
    '--mount',
    '--root',
    ...user,
    '/usr/bin/env',
    '-i',
    '--chdir=/app',
    ...facts.config.Env,
    ...words,
  ])
}

describe('The image', () => {
  test('says who it runs as, how its health is asked for, and what it is', () => {
    const { User, Healthcheck, Labels } = facts.config
    expect(User).toBe('1000:1000')
    expect(Healthcheck.Test).toEqual(['CMD', 'ftps-gateway', 'health', '--config', '/etc/ftps-gateway/gateway.yaml'])
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(Labels).toMatchObject({
      'org.opencontainers.image.title': 'ftps-sftp-gateway',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': 'Apache-2.0',
    })
  })

  test('says the same as the Dockerfile', () => {
    const text = readFileSync('Dockerfile', 'utf8')
    const { Entrypoint, Cmd, Healthcheck, User } = facts.config
    const spelled = (words: readonly string[]) => JSON.stringify(words).replaceAll(',', ', ')
    expect(text).toContain(`\nENTRYPOINT ${spelled(Entrypoint)}\n`)
    expect(text).toContain(`\nCMD ${spelled(Cmd)}\n`)
    expect(text).toContain(`CMD ${spelled(Healthcheck.Test.slice(1))}\n`)
    expect(text).toContain(`\nUSER ${User}\n`)
  })

  test('has no program that makes its user somebody else, no packages for development, and no sources', async () => {
    const found = await runOk('find', [root, '-xdev', '-type', 'f', '-perm', '/6000'])
    expect(found.toString()).toBe('')
    expect(existsSync(join(root, 'app/node_modules/ssh2'))).toBe(true)
    for (const gone of ['app/node_modules/vitest', 'app/node_modules/typescript', 'app/src', 'app/test', 'app/.git']) {
      expect(existsSync(join(root, gone))).toBe(false)
    }
  })

  test('runs as an ordinary user without capabilities, and cannot change its own files', async () => {
    const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8')
    expect(status).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m)
    expect(status).toMatch(/^CapEff:\t0+$/m)
    expect((await inside('touch', '/app/dist/main.js')).stderr).toMatch(/Read-only file system|Permission denied/)
    expect((await inside('touch', '/var/lib/ftps-gateway/mine')).code).toBe(0)
  })

  test('takes an upload, and is well', async () => {
    const account = `${server.username}:${server.password}`
    const url = `ftp://127.0.0.1:${port}/from-the-image.txt`
    const args = ['-sS', '-k', '--ssl-reqd', '-u', account, '-T', '-', url]
    const sent = await run('curl', args, { input: 'through a container' })
    expect({ code: sent.code, stderr: sent.stderr }).toEqual({ code: 0, stderr: '' })
    expect(readFileSync(join(folder, 'files/from-the-image.txt'), 'utf8')).toBe('through a container')
    const [, ...health] = facts.config.Healthcheck.Test
    const asked = await inside(...health)
    expect({ code: asked.code, stderr: asked.stderr }).toEqual({ code: 0, stderr: '' })
  })
})

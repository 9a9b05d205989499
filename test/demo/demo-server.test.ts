import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2, { type ClientChannel, type SFTPWrapper } from 'ssh2'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type DemoServer, startDemoServer } from '../../src/demo/demo-server.ts'
import { writeSampleFiles } from '../../src/demo/sample-files.ts'
import { packet, request, string, u32, u64 } from '../../src/demo/wire.ts'
import { run } from '../support/run.ts'

let directory: string
let server: DemoServer
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-test-'))
  await mkdir(join(directory, 'files'))
  await writeSampleFiles(join(directory, 'files'))
  server = await startDemoServer({ directory: join(directory, 'files') })
})
afterEach(async () => {
  await server.close()
  await rm(directory, { recursive: true })
})

/** Runs OpenSSH's client with these commands; it gets the password from a program, as it never reads one from a pipe. */
async function sftp(...commands: string[]): Promise<{ code: number | undefined; output: string }> {
  const askpass = join(directory, 'askpass')
  const knownHosts = join(directory, 'known_hosts')
  await writeFile(askpass, '#!/bin/sh\necho "$DEMO_PASSWORD"\n', { mode: 0o700 })
  await writeFile(knownHosts, `${server.knownHosts}\n`)
  const options = ['-o', 'BatchMode=no', '-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'StrictHostKeyChecking=yes']
  const args = ['-F', 'none', '-P', String(server.port), ...options, '-b', '-', `${server.username}@${server.host}`]
  const env = { PATH: process.env['PATH'], SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' }
  const { code, stdout, stderr } = await run('sftp', args, {
    input: `${commands.join('\n')}\n`,
    env: { ...env, DEMO_PASSWORD: server.password },
    cwd: directory,
  })
  return { code, output: stdout.toString('latin1') + stderr }
}

/** One SFTP channel through ssh2's client, for what OpenSSH's client cannot ask. */
async function withClient<T>(use: (files: SFTPWrapper) => Promise<T>): Promise<T> {
  const client = new ssh2.Client()
  const opened = new Promise<SFTPWrapper>((resolve, reject) => {
    client.on('error', reject)
    client.on('ready', () => client.sftp((error, files) => (error ? reject(error) : resolve(files))))
  })
  const { host, port, username, password } = server
  client.connect({ host, port, username, password, hostVerifier: () => true })
  try {
    return await use(await opened)
  } finally {
    client.end()
  }
}

/** The result of one call, or the SFTP status with which it was refused. */
function result<T>(call: (done: (error: unknown, value?: T) => void) => void): Promise<T | number | undefined> {
  return new Promise((resolve) => {
    call((error, value) => resolve(error ? (error as { code: number }).code : value))
  })
}

describe('The demo server', () => {
  test("works with OpenSSH's client, which trusts the host key that it announces", async () => {
    const { code, output } = await sftp(
      'ls -l',
      'put askpass in/upload',
      'rename in/upload in/final',
      'get orders.csv',
      'mkdir new',
      'rmdir new',
      'chmod 600 in/final',
      'ln -s orders.csv link',
      'rm link',
    )
    expect(output).not.toMatch(/Permission denied|Failure|Couldn't/)
    expect(output).toMatch(/-rw-r--r--\s+1 \d+\s+\d+\s+\d+ \w{3} [ \d]\d \d\d:\d\d orders\.csv/)
    expect(code).toBe(0)
    expect(await readFile(join(directory, 'files/in/final'))).toEqual(await readFile(join(directory, 'askpass')))
    expect((await stat(join(directory, 'files/in/final'))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(directory, 'orders.csv'))).toEqual(await readFile(join(directory, 'files/orders.csv')))
  })

  test('refuses a wrong password and a wrong user alike', async () => {
    const { host, port, username, password } = server
    for (const account of [
      { username, password: 'wrong' },
      { username: 'other', password },
    ]) {
      const client = new ssh2.Client()
      const outcome = new Promise((resolve) => client.on('ready', () => resolve('in')).on('error', resolve))
      client.connect({ host, port, ...account, hostVerifier: () => true })
      expect(await outcome).toMatchObject({ level: 'client-authentication' })
    }
  })

  test('keeps every name inside its folder', async () => {
    await writeFile(join(directory, 'secret'), 'outside')
    await symlink(join(directory, 'secret'), join(directory, 'files/out'))
    await symlink(directory, join(directory, 'files/up'))
    await withClient(async (files) => {
      const permissionDenied = 3
      const open = (name: string, mode: 'r' | 'w') => result((done) => files.open(name, mode, done))
      expect(await open('/../secret', 'r')).toBe(2)
      expect(await open('out', 'r')).toBe(permissionDenied)
      expect(await open('out', 'w')).toBe(permissionDenied)
      expect(await open('up/secret', 'r')).toBe(permissionDenied)
      expect(await open('up/new', 'w')).toBe(permissionDenied)
      expect(await result((done) => files.stat('out', done))).toBe(permissionDenied)
      expect(await result((done) => files.readdir('up', done))).toBe(permissionDenied)
      // To a server that is not OpenSSH, ssh2's client sends the two names in the draft's order: link, then target.
      const link = (target: string, name: string) => result((done) => files.symlink(name, target, done))
      expect(await link('../secret', 'escape')).toBe(permissionDenied)
      expect(await link('../../secret', 'in/escape')).toBe(permissionDenied)
      expect(await result((done) => files.rename('orders.csv', 'up/moved', done))).toBe(permissionDenied)
      expect(await result((done) => files.realpath('../../etc', done))).toBe('/etc')
      expect(await link('/orders.csv', 'in/link')).toBeUndefined()
      expect(await result((done) => files.readlink('in/link', done))).toBe('../orders.csv')
    })
    expect(await readFile(join(directory, 'secret'), 'utf8')).toBe('outside')
    expect(await readdir(directory)).not.toContain('new')
  })

  test('announces posix-rename, fsync and limits, and carries them out', async () => {
    await withClient(async (files) => {
      await result((done) => files.writeFile('in/new', 'new', done))
      await result((done) => files.writeFile('in/old', 'old', done))
      expect(await result((done) => files.rename('in/new', 'in/old', done))).toBe(4)
      expect(await result((done) => files.ext_openssh_rename('in/new', 'in/old', done))).toBeUndefined()
      const handle = (await result((done) => files.open('in/old', 'r+', done))) as Buffer
      expect(await result((done) => files.ext_openssh_fsync(handle, done))).toBeUndefined()
    })
    expect(await readFile(join(directory, 'files/in/old'), 'utf8')).toBe('new')
    expect(await readdir(join(directory, 'files/in'))).toEqual(['old'])
  })

  test('keeps the bytes of a name that is not UTF-8', async () => {
    await writeFile(Buffer.from(`${directory}/files/in/caf\xe9`, 'latin1'), 'x')
    const { output } = await sftp('ls -1 in', 'get in/caf* copy')
    expect(output).not.toContain('not found')
    expect(await readFile(join(directory, 'copy'), 'utf8')).toBe('x')
  })

  test('reads and writes more than one packet, and lists more than one batch', async () => {
    const content = Buffer.from(Array.from({ length: 700_001 }, (_, i) => i % 251))
    await withClient(async (files) => {
      await result((done) => files.writeFile('big', content, done))
      expect(content.equals((await result<Buffer>((done) => files.readFile('big', done))) as Buffer)).toBe(true)
      for (let i = 0; i < 150; i++) await writeFile(join(directory, 'files/in', `file-${i}`), '')
      const entries = await result<readonly { filename: string }[]>((done) => files.readdir('in', done))
      expect(new Set((entries as readonly { filename: string }[]).map(({ filename }) => filename)).size).toBe(150)
    })
  })

  test('grants no more than 64 handles, and takes a closed one back', async () => {
    await withClient(async (files) => {
      const open = () => result<Buffer>((done) => files.open('orders.csv', 'r', done))
      const handles: unknown[] = []
      for (let i = 0; i < 64; i++) handles.push(await open())
      expect(handles.every((handle) => Buffer.isBuffer(handle))).toBe(true)
      expect(await open()).toBe(4)
      expect(await result((done) => files.close(handles[0] as Buffer, done))).toBeUndefined()
      expect(Buffer.isBuffer(await open())).toBe(true)
    })
  })

  test('refuses packets that it cannot read, and goes on', async () => {
    await withClient(async (files) => {
      expect(await result((done) => files.close(Buffer.from('nonsense'), done))).toBe(4)
      expect(await result((done) => files.stat('orders.csv', done))).toMatchObject({ size: 133 })
    })
  })

  test('closes the files of a client that stops reading and then vanishes', async () => {
    await writeFile(join(directory, 'files/big'), Buffer.alloc(8 * 1024 * 1024))
    const client = new ssh2.Client()
    const ready = once(client, 'ready')
    const { host, port, username, password } = server
    client.on('error', () => undefined).connect({ host, port, username, password, hostVerifier: () => true })
    await ready
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      client.subsys('sftp', (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    channel.write(packet(request.init, u32(3)))
    channel.write(packet(request.open, u32(1), string('big'), u32(1), u32(0)))
    // Forty answers of 255 KiB do not fit into the windows and buffers of a channel that nobody reads.
    for (let id = 2; id < 42; id++) {
      channel.write(packet(request.read, u32(id), string(u32(1)), u64((id - 2) * 65536), u32(255 * 1024)))
    }
    const openFiles = async () => {
      const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
      return (await Promise.all(links)).filter((link) => link.startsWith(directory))
    }
    await vi.waitFor(async () => expect(await openFiles()).toHaveLength(1))
    client.destroy()
    await vi.waitFor(async () => expect(await openFiles()).toHaveLength(0))
  })

  test('makes another password and host key for every run', async () => {
    const second = await startDemoServer({ directory })
    await second.close()
    expect(second.password).not.toBe(server.password)
    expect(second.password).toMatch(/^[a-zA-Z2-9]{4}(-[a-zA-Z2-9]{4}){2}$/)
    expect(second.hostKey).not.toBe(server.hostKey)
    expect(second.hostKey).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/)
  })

  test('says which port is taken by failing with EADDRINUSE', async () => {
    await expect(startDemoServer({ directory, port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

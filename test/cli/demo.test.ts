import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { run } from '../support/run.ts'
import { endPrograms, type Program, startProgram } from './program.ts'

const anyPorts = ['--port', '0', '--implicit-port', '0', '--passive', '0', '--admin-port', '0']
const ready = /asks for the password\n.*\n\n/

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "demo 'test' "))
})
afterEach(async () => {
  await endPrograms()
  await rm(directory, { recursive: true })
})

/** A demo on free ports; its temporary folder has a blank and a quote in its path. */
function startDemo(...options: string[]): Program {
  return startProgram(['demo', ...anyPorts, ...options], { TMPDIR: directory })
}

/** A line of the banner by its first word. */
function fact(output: string, name: string): string {
  return new RegExp(`^ {2}${name} +(.+?)(  |$)`, 'm').exec(output)?.[1] ?? ''
}

/** The lines to paste that call this program. */
function lines(output: string, program: string): string[] {
  return output.split('\n').flatMap((line) => (line.startsWith(`    ${program} `) ? [line.trim()] : []))
}

/** Runs a pasted line; sftp gets the password from a program, as it never reads one from a pipe. */
async function paste(line: string, password: string): Promise<string> {
  const askpass = join(directory, 'askpass')
  await writeFile(askpass, '#!/bin/sh\necho "$DEMO_PASSWORD"\n', { mode: 0o700 })
  const env = { PATH: process.env['PATH'], HOME: directory, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' }
  const input = line.startsWith('sftp') ? 'ls -l\n' : ''
  const { code, stdout, stderr } = await run('sh', ['-c', line], { input, env: { ...env, DEMO_PASSWORD: password } })
  expect([code, stderr]).toEqual([0, expect.anything()])
  return stdout.toString('utf8')
}

describe('ftps-gateway demo', () => {
  test('prints lines that work when they are pasted, and leaves nothing behind on Ctrl-C', async () => {
    const demo = startDemo()
    await demo.until(ready)
    const output = demo.output()
    const password = fact(output, 'password')
    const files = fact(output, 'files')

    const [list = '', upload = '', implicit = ''] = lines(output, 'curl')
    expect(await paste(list, password)).toMatch(/orders\.csv/)
    await paste(upload, password)
    expect(await readFile(join(files, 'hello.txt'), 'utf8')).toBe('Hello through the gateway.\n')
    expect(await paste(implicit, password)).toMatch(/hello\.txt/)
    expect(await paste(lines(output, 'lftp')[0] ?? '', password)).toMatch(/invoices/)
    expect(await paste(lines(output, 'sftp')[0] ?? '', password)).toMatch(/orders\.csv/)
    expect(await (await fetch(fact(output, 'metrics'))).text()).toContain('ftps_gateway_transfers_total{')
    await demo.until(/"event":"transfer\.done"/)

    demo.signal('SIGINT')
    expect(await demo.ended).toBe(0)
    expect(existsSync(dirname(files))).toBe(false)
  })

  test('serves a folder of mine, and leaves it as it is', async () => {
    await writeFile(join(directory, 'mine.txt'), 'mine')
    const demo = startDemo('--directory', directory)
    await demo.until(ready)
    const output = demo.output()
    expect(await paste(lines(output, 'curl')[0] ?? '', fact(output, 'password'))).toMatch(/mine\.txt/)
    demo.signal('SIGTERM')
    expect(await demo.ended).toBe(0)
    expect(await readdir(directory)).toContain('mine.txt')
    expect(await readdir(directory)).not.toContain('orders.csv')
  })

  test('names a port that is taken, says what to do, and exits with 69', async () => {
    const first = startDemo()
    await first.until(ready)
    const [, port = ''] = fact(first.output(), 'FTPS implicit').split(':')
    const second = startDemo('--implicit-port', port)
    expect(await second.ended).toBe(69)
    expect(second.output()).toContain(`port ${port} on 127.0.0.1 is taken`)
    expect(second.output()).toContain('--implicit-port')
    expect(second.output().trimEnd()).not.toContain('\n')
  })

  test('refuses ports that cannot be, with 64', async () => {
    const port = String(await freePort())
    for (const [args, message] of [
      [['--port', '70000'], '--port takes a port from 0 to 65535, not 70000'],
      [['--passive', '9-x'], '--passive takes ports such as 50000-50099, not 9-x'],
      [['--port', port, '--implicit-port', port], port],
    ] as const) {
      const demo = startDemo(...args)
      expect(await demo.ended).toBe(64)
      expect(demo.output()).toContain(message)
    }
  })
})

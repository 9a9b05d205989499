import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseHost } from '../../src/cli/host-key.ts'
import { version } from '../../src/cli/version.ts'
import { startDemoServer } from '../../src/demo/demo-server.ts'
import { verifyPassword } from '../../src/partners/password-hash.ts'
import { freePort } from '../support/free-port.ts'
import { type RunOptions, run } from '../support/run.ts'
import { sayVerb } from '../support/verb.ts'
import { main } from './program.ts'

interface Outcome {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cli-test-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

/** Runs the built program. */
async function gateway(args: readonly string[], options?: RunOptions): Promise<Outcome> {
  const { code, stdout, stderr } = await run(process.execPath, [main, ...args], options)
  return { code, stdout: stdout.toString('utf8'), stderr }
}

/** Runs a command line in this process, which is faster; for what needs neither standard input nor signals. */
const quickly = (args: readonly string[]): Promise<Outcome> => sayVerb(args)

/** Answers one question after the other on a terminal that script(1) makes; returns all that the terminal showed. */
async function typeOnTerminal(answers: readonly string[]): Promise<string> {
  const command = `'${process.execPath}' '${main}' hash-password`
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const left = [...answers]
  let shown = ''
  let asked = 0
  terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk
    for (const questions = shown.match(/(Password|Again): /g)?.length ?? 0; asked < questions; asked++) {
      terminal.stdin.write(left.shift() ?? '')
    }
  })
  await once(terminal, 'close')
  return shown
}

describe('ftps-gateway', () => {
  test('lists its verbs, and explains each of them', async () => {
    const { code, stdout } = await quickly(['--help'])
    expect(code).toBe(0)
    const verbs = [...stdout.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, verb = '']) => verb)
    expect(verbs.slice(0, 3)).toEqual(['serve', 'demo', 'check'])
    expect(verbs.slice(-2)).toEqual(['help', 'version'])
    for (const verb of verbs.slice(0, -2)) {
      const asked = await quickly(['help', verb])
      expect(asked).toMatchObject({ code: 0, stdout: expect.stringContaining(`ftps-gateway ${verb}`) })
      expect(await quickly([verb, '--help'])).toEqual(asked)
    }
  })

  test('says its version', async () => {
    expect(await quickly(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    expect(await gateway(['version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  test.each([
    [['srve'], 'there is no verb "srve" (did you mean "serve"?)'],
    [['hash-pasword'], 'there is no verb "hash-pasword" (did you mean "hash-password"?)'],
    [['frobnicate'], 'there is no verb "frobnicate"'],
    [['help', 'chek'], 'there is no verb "chek" (did you mean "check"?)'],
    [['serve'], 'serve needs --config FILE'],
    [['serve', '--config'], "option '--config <value>' argument missing"],
    [['serve', '--confg', 'x'], "unknown option '--confg'"],
    [['serve', 'gateway.yaml'], "unexpected argument 'gateway.yaml'"],
    [['--prt', '1'], "unknown option '--prt'"],
    [['check'], 'check needs --config FILE'],
    [['health'], 'health needs --config FILE or --port PORT'],
    [['host-key'], 'host-key needs HOST[:PORT]'],
    [['host-key', 'a', 'b'], 'there is a word too many: b'],
    [['host-key', 'a:b:c:22'], 'not HOST[:PORT]: a:b:c:22'],
  ])('%j is refused with one line and exit code 64', async (args, message) => {
    const { code, stdout, stderr } = await quickly(args)
    expect([code, stdout]).toEqual([64, ''])
    expect(stderr).toBe(`ftps-gateway: ${message}\nSee: ftps-gateway help\n`)
  })
})

describe('ftps-gateway check', () => {
  test('prints the whole configuration, defaults included, secrets left out', async () => {
    const file = join(directory, 'gateway.yaml')
    const key = `SHA256:${'A'.repeat(43)}`
    await writeFile(file, `version: 1\nbackends:\n  - { name: main, host: sftp.internal, hostKeys: ["${key}"] }\n`)
    const { code, stdout, stderr } = await gateway(['check', '--config', file])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/host: sftp\.internal[\s\S]*port: 990/)
  })

  test('prints every fault and exits with 78', async () => {
    const file = join(directory, 'gateway.yaml')
    await writeFile(file, 'version: 1\nbackend: x\nlogging: { level: loud }\n')
    const { code, stdout, stderr } = await gateway(['check', '--config', file])
    expect([code, stdout]).toEqual([78, ''])
    expect(stderr).toMatch(/gateway\.yaml:2:\d+ backend: /)
    expect(stderr).toMatch(/gateway\.yaml:3:\d+ logging\.level: /)
  })

  test('names a file that is not there, and exits with 78', async () => {
    const { code, stderr } = await gateway(['check', '--config', join(directory, 'none.yaml')])
    expect(code).toBe(78)
    expect(stderr).toContain('none.yaml')
  })
})

describe('ftps-gateway hash-password', () => {
  test('makes a hash of the line that it is given, which the gateway accepts', async () => {
    const { code, stdout, stderr } = await gateway(['hash-password'], { input: 'pa$$ wörd\n' })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^\$scrypt\$ln=\d+,r=\d+,p=\d+\$\S+\$\S+\n$/)
    expect(await verifyPassword(stdout.trimEnd(), 'pa$$ wörd')).toBe(true)
    expect(await verifyPassword(stdout.trimEnd(), 'pa$$ wörd\n')).toBe(false)
  })

  test.each([
    ['nothing', ''],
    ['an empty line', '\n'],
    ['two lines', 'first\nsecond\n'],
    ['far too much', 'x'.repeat(5000)],
  ])('refuses %s with 64, and shows none of it', async (_, input) => {
    const { code, stdout, stderr } = await gateway(['hash-password'], { input })
    expect([code, stdout]).toEqual([64, ''])
    expect(stderr).not.toMatch(/first|second|xxx/)
  })

  test('asks twice on a terminal without showing what is typed', async () => {
    const shown = await typeOnTerminal(['hunteX\x7fr2\r', 'hunter2\r'])
    expect(shown).not.toContain('hunte')
    const hash = /\$scrypt\S+/.exec(shown)?.[0] ?? ''
    expect(await verifyPassword(hash, 'hunter2')).toBe(true)
  })

  test('makes no hash of two passwords that differ, or after Ctrl-C', async () => {
    expect(await typeOnTerminal(['hunter2\r', 'hunter3\r'])).toContain('the two passwords differ')
    expect(await typeOnTerminal(['hunter2\x03'])).toContain('no password was given')
  })
})

describe('ftps-gateway host-key', () => {
  test('prints the keys that a server shows, as hostKeys takes them', async () => {
    const server = await startDemoServer({ directory })
    try {
      const { code, stdout } = await gateway(['host-key', `127.0.0.1:${server.port}`])
      expect([code, stdout]).toEqual([0, `# ecdsa-sha2-nistp256\n- ${server.hostKey}\n`])
    } finally {
      await server.close()
    }
  })

  test('exits with 69 and one line when nobody answers', async () => {
    const { code, stdout, stderr } = await gateway(['host-key', `127.0.0.1:${await freePort()}`])
    expect([code, stdout]).toEqual([69, ''])
    expect(stderr).toMatch(/^ftps-gateway: .*\n$/)
  })

  test.each([
    ['sftp.example.com', { host: 'sftp.example.com', port: 22 }],
    ['sftp.example.com:2222', { host: 'sftp.example.com', port: 2222 }],
    ['192.0.2.1:2222', { host: '192.0.2.1', port: 2222 }],
    ['::1', { host: '::1', port: 22 }],
    ['[2001:db8::1]:2222', { host: '2001:db8::1', port: 2222 }],
  ])('reads %s', (text, expected) => {
    expect(parseHost(text)).toEqual(expected)
  })

  test.each(['', ':22', 'host:', 'host:0', 'host:65536', 'host:22x', '[::1', '[]:22'])('refuses %j', (text) => {
    expect(() => parseHost(text)).toThrow(`not HOST[:PORT]: ${text}`)
  })
})

describe('ftps-gateway health', () => {
  test('exits with 1 and says where nobody answers', async () => {
    const port = await freePort()
    const { code, stderr } = await gateway(['health', '--port', String(port)])
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`^ftps-gateway: no answer from http://127\\.0\\.0\\.1:${port}/healthz: .*\n$`))
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { big, held, leftOvers, noise } from '../support/hostile-sftp/arena.ts'
import {
  answer,
  answers,
  attributes,
  changes,
  closeChannel,
  data,
  endOfFile,
  failure,
  lengthOnly,
  linkAttrs,
  lostAtRequest,
  lostInAnswer,
  names,
  ok,
  packet,
  silence,
  someHandle,
  string,
  u32,
} from '../support/hostile-sftp/misdeeds.ts'
import type { Fault, Misdeed, Operation } from '../support/hostile-sftp/scenario.ts'
import { bystander, type HostileServer, startHostileServer, victim } from '../support/hostile-sftp/server.ts'

/*
 * What the client of the gateway is told: the whole gateway in front of a hostile server, with a bystander at work over the
 * same gateway and the same server all the time.
 */

const always = Number.POSITIVE_INFINITY
const posixRename = 'posix-rename@openssh.com'
const fsync = 'fsync@openssh.com'
let server: HostileServer
let gateway: TestGateway
let witness: Dialogue
let watching: Promise<void>
let done: boolean
const unhandled: unknown[] = []
const onUnhandled = (reason: unknown) => void unhandled.push(reason)

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled)
  server = await startHostileServer()
  const { host, port, fingerprint } = server
  // What is lost stays lost; hostile-backend-reconnect.test.ts has the rest.
  const timeouts = { request: '2500ms', close: '2500ms', reconnect: '0s' }
  const backends = [{ name: 'hostile', host, port, hostKeys: [fingerprint], timeouts }]
  gateway = await startTestGateway({ settings: { backends } })
})
afterAll(async () => {
  await gateway.stop()
  await server.stop()
  process.off('unhandledRejection', onUnhandled)
})
beforeEach(async () => {
  server.misbehave({})
  server.tree.addFile('/old', 'old content')
  server.tree.addFile('/big', big)
  server.tree.addDirectory('/folder')
  witness = await logIn(bystander)
  done = false
  watching = witnessWorks()
})
afterEach(async () => {
  done = true
  await watching
  await witness.dialogue('> QUIT', '< 221')
  expect(gateway.log.filter(({ kind }) => kind === 'bug')).toEqual([])
  expect(unhandled).toEqual([])
})

function logIn(user: string): Promise<Dialogue> {
  const options = { port: gateway.implicit, tls: 'implicit' as const, certificate: gateway.certificate }
  return Dialogue.logIn(options, user, 'x')
}

async function witnessWorks(): Promise<void> {
  const content = noise(200_000)
  do {
    expect((await witness.transfer('STOR /witness', content)).code).toBe(226)
    const { code, content: back } = await witness.transfer('RETR /witness')
    expect([code, back.equals(content)]).toEqual([226, true])
    await sleep(10)
  } while (!done)
}

describe('An upload', () => {
  test.each<[Operation, string, Misdeed, number]>([
    ['open', 'STATUS OK', ok, 550],
    ['write', 'HANDLE', someHandle, 451],
    ['write', 'FAILURE', failure(4, 'x\r\n226 Done'), 451],
    [fsync, 'FAILURE', failure(), 451],
    ['fstat', 'a smaller size', answers(answer.attrs, attributes({ size: 10 })), 451],
    ['close', 'FAILURE', failure(), 451],
    [posixRename, 'FAILURE', failure(), 451],
    [posixRename, 'HANDLE', someHandle, 451],
  ])('F38 %s is answered with %s: no 226, the old file stays, the next upload works', async (on, _what, does, code) => {
    server.misbehave({ faults: [{ on, does }] })
    const client = await logIn(victim)
    expect((await client.transfer('STOR /old', big)).code).toBe(code)
    expect(held(server, '/old')).toBe('old content')
    // At most the trace that this login has begun to replace the file.
    for (const name of leftOvers(server)) expect(held(server, `/${name}`)).toBe('')
    // The session goes on.
    expect((await client.transfer('STOR /old', big)).code).toBe(226)
    expect(held(server, '/old')).toBe(big.toString('latin1'))
    await client.dialogue('> QUIT', '< 221')
  })

  test.each<[Operation, string, Misdeed]>([
    ['write', 'lost', lostAtRequest],
    ['write', 'closed', closeChannel],
    [fsync, 'lost', lostInAnswer],
    ['fstat', 'lost', lostInAnswer],
    ['close', 'lost', lostInAnswer],
    [posixRename, 'lost', lostAtRequest],
    ['write', 'broken by a packet of 2^31 bytes', lengthOnly(2 ** 31)],
  ])('gets no 226, and the old file stays, when at %s the connection is %s', async (on, _how, does) => {
    server.misbehave({ faults: [{ on, does }] })
    const client = await logIn(victim)
    expect((await client.transfer('STOR /old', big)).code).toBe(451)
    expect(held(server, '/old')).toBe('old content')
    // What the session had is gone with its connection; a new one is as good as ever.
    await client.dialogue('> SIZE /old', '< 421')
    await client.closed()
    const next = await logIn(victim)
    expect((await next.transfer('STOR /old', big)).code).toBe(226)
    await next.dialogue('> QUIT', '< 221')
  })
})

describe('A download', () => {
  test.each<[Operation, number, string, Misdeed, number]>([
    ['open', 1, 'STATUS OK', ok, 550],
    ['fstat', 1, 'HANDLE', someHandle, 550],
    ['read', 5, 'DATA without bytes', data(Buffer.alloc(0)), 451],
    ['read', 5, 'DATA of more bytes than asked', data(Buffer.alloc(300_000)), 451],
    ['read', 5, 'HANDLE', someHandle, 451],
    ['read', 5, 'the end of the connection', lostAtRequest, 451],
    ['read', 5, 'half an answer', lostInAnswer, 451],
  ])('F38 %s number %i is answered with %s: no 226', async (on, nth, _what, does, code) => {
    server.misbehave({ faults: [{ on, nth, does }] })
    const client = await logIn(victim)
    expect((await client.transfer('RETR /big')).code).toBe(code)
    client.close()
  })

  test.each<[string, Fault]>([
    ['before the size that FSTAT told', { on: 'fstat', does: answers(answer.attrs, attributes({ size: 4_000_000 })) }],
    ['at the fifth READ', { on: 'read', nth: 5, does: endOfFile }],
  ])('F39 the file ends %s: 451, and the next download is whole', async (_where, fault) => {
    server.misbehave({ faults: [fault] })
    const client = await logIn(victim)
    expect((await client.transfer('RETR /big')).code).toBe(451)
    const { code, content } = await client.transfer('RETR /big')
    expect([code, content.equals(big)]).toEqual([226, true])
    await client.dialogue('> QUIT', '< 221')
  })
})

test('a server that falls silent is given up in time, whatever it was asked: 421 to a login, 451 to a transfer', async () => {
  const operations = ['write', fsync, 'fstat', 'close', posixRename, 'read'] as const
  const login = (on: string) => `${victim}-${on.split('@')[0]}`
  server.misbehave({
    faults: [
      ...operations.map((on) => ({ on, does: silence, login: login(on) })),
      { on: 'realpath', does: silence, login: login('realpath') },
    ],
  })
  const transfers = operations.map(async (on) => {
    const client = await logIn(login(on))
    const path = `/silent-${login(on)}`
    server.tree.addFile(path, 'old content')
    const { code } = await (on === 'read' ? client.transfer('RETR /big') : client.transfer(`STOR ${path}`, big))
    expect(held(server, path)).toBe('old content')
    client.close()
    return `${on} ${code}`
  })
  await expectNoLogin(login('realpath'))
  expect(await Promise.all(transfers)).toEqual(operations.map((on) => `${on} 451`))
})

/** The next entries of a directory without an end. */
function endless(nameOf: (i: number) => string): Misdeed {
  let i = 0
  return changes((_honest, { id }) => {
    const entries = Array.from({ length: 100 }, () => [string(nameOf(i++)), string(''), attributes({ size: 1 })])
    return [packet(answer.name, u32(id), u32(100), ...entries.flat())]
  })
}

describe('A listing', () => {
  test.each<[string, (i: number) => string]>([
    ['of files', (i) => `file-${i}`],
    ['of names that are not shown', () => '..'],
  ])('F40 a directory %s never ends: ABOR ends its listing, and the session goes on', async (_what, nameOf) => {
    server.misbehave({ faults: [{ on: 'readdir', times: always, does: endless(nameOf) }] })
    const client = await logIn(victim)
    const listing = client.transfer('LIST /folder')
    await expect
      .poll(() => server.asked.filter((asked) => asked === 'readdir').length, { timeout: 10_000 })
      .toBeGreaterThan(300)
    await client.send('ABOR')
    expect((await listing).code).toBe(426)
    await client.dialogue('< 226', '> PWD', '< 257')
    const asked = server.asked.length
    await client.dialogue('> NOOP', '< 200')
    expect(server.asked.length, 'requests after ABOR').toBeLessThan(asked + 2)
    await client.dialogue('> QUIT', '< 221')
  })
})

test('a download that never ends is ended by ABOR, and the session goes on', async () => {
  const full = changes((_honest, { id, message }) => {
    const content = Buffer.alloc(message.readUInt32BE(message.length - 4))
    return [packet(answer.data, u32(id), string(content))]
  })
  server.misbehave({ faults: [{ on: 'read', times: always, does: full }] })
  const client = await logIn(victim)
  const download = client.transfer('RETR /big')
  await expect
    .poll(() => server.asked.filter((asked) => asked === 'read').length, { timeout: 10_000 })
    .toBeGreaterThan(50)
  await client.send('ABOR')
  expect((await download).code).toBe(426)
  await client.dialogue('< 226', '> PWD', '< 257', '> QUIT', '< 221')
})

test('F40 names, owners, links and texts of the server have line breaks: none puts a line of its own into a reply', async () => {
  const evil = '\r\n226 Evil'
  const longname = `-rw-r--r-- 1 a${evil} b${evil} 3 Jan 1 00:00 x`
  const entries = [{ name: 'plain', longname }, `a${evil}`, { name: `b${evil}`, longname }, 'c\0']
  server.tree.addLink('/folder/link', `/old${evil}`)
  server.misbehave({
    faults: [
      { on: 'readdir', nth: 2, times: always, does: endOfFile },
      { on: 'readdir', does: names(entries) },
      { on: 'readlink', times: always, does: names([`/old${evil}`]) },
      { on: 'mkdir', times: always, does: failure(4, evil) },
      { on: 'setstat', times: always, does: failure(3, evil) },
    ],
  })
  const client = await logIn(victim)
  const { content } = await client.transfer('LIST /folder')
  const shown = content.toString('latin1').split('\r\n')
  expect(shown.map((line) => line.replace(/^-.* [\d:]+ /, ''))).toEqual(['a??226 Evil', 'b??226 Evil', 'plain', ''])
  await client.dialogue('> STAT /folder', '< 212', '> MLST /folder/link', '< 250', '> MKD /new', '< 550')
  await client.dialogue('> SITE CHMOD 600 /old', '< 550', '> PWD', '< 257')
  expect(client.transcript.filter((line) => /Evil/.test(line) && !/^< (?: |[-d]|\d{3}-)/.test(line))).toEqual([])
  await client.dialogue('> QUIT', '< 221')
})

test('link targets with line breaks are not shown in listings', async () => {
  server.misbehave({
    faults: [
      { on: 'readdir', does: names(['one'], linkAttrs) },
      { on: 'readlink', times: always, does: names(['/old\r\n-rw-r--r-- 1 ftp ftp 1 Jan 1 00:00 evil']) },
    ],
  })
  const client = await logIn(victim)
  const { content, code } = await client.transfer('LIST /folder')
  expect(code).toBe(226)
  expect(content.toString('latin1').split('\r\n')).toHaveLength(2)
  await client.dialogue('> QUIT', '< 221')
})

test.each<[string, Misdeed]>([
  ['a home with a line break', names(['/home\r\n226 Evil'])],
  ['no home', names([])],
  ['half a home', lostInAnswer],
])('a login whose server tells %s gets 421', async (_what, does) => {
  server.misbehave({ faults: [{ on: 'realpath', does }] })
  await expectNoLogin(victim)
})

async function expectNoLogin(user: string): Promise<void> {
  const options = { port: gateway.implicit, tls: 'implicit' as const, certificate: gateway.certificate }
  const client = await Dialogue.connect(options)
  await client.dialogue('< 220', `> USER ${user}`, '< 331', '> PASS x', '< 421')
  await client.closed()
}

test('when all is over nothing is left at the server but the bystander', async () => {
  await expect.poll(() => server.connections, { timeout: 5_000 }).toBe(1)
})

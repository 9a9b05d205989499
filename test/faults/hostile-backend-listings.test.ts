import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { noise } from '../support/hostile-sftp/arena.ts'
import {
  answer,
  answers,
  attributes,
  bigU64,
  changes,
  endOfFile,
  names,
  packet,
  silence,
  string,
  u32,
} from '../support/hostile-sftp/misdeeds.ts'
import type { Misdeed } from '../support/hostile-sftp/scenario.ts'
import { type HostileServer, startHostileServer, victim } from '../support/hostile-sftp/server.ts'

/* What a client sees of directories without measure, of answers that take their time, and of times that cannot be. */

const always = Number.POSITIVE_INFINITY
let server: HostileServer
let gateway: TestGateway
let client: Dialogue
beforeAll(async () => {
  server = await startHostileServer()
  const { host, port, fingerprint } = server
  gateway = await startTestGateway({
    settings: { backends: [{ name: 'hostile', host, port, hostKeys: [fingerprint] }] },
  })
})
afterAll(async () => {
  await gateway?.stop()
  await server?.stop()
})
beforeEach(async () => {
  server.misbehave({})
  server.tree.addDirectory('/folder')
  server.tree.addFile('/f', 'content')
  client = await logIn()
})
afterEach(async () => {
  server.misbehave({})
  const content = noise(1_000_000)
  expect((await client.transfer('STOR /next', content)).code).toBe(226)
  expect((await client.transfer('RETR /next')).content.equals(content)).toBe(true)
  await client.dialogue('> QUIT', '< 221')
  expect(gateway.log.filter(({ kind }) => kind === 'bug')).toEqual([])
})

function logIn(): Promise<Dialogue> {
  const site = { port: gateway.implicit, tls: 'implicit', certificate: gateway.certificate } as const
  return Dialogue.logIn(site, victim, 'x')
}

const asked = () => server.asked.filter((operation) => operation === 'readdir').length

/** So many answers of a thousand entries each. */
function directoryOf(thousands: number): Misdeed {
  let given = 0
  return changes((_honest, { id }) => {
    if (given === thousands) return [packet(answer.status, u32(id), u32(1), string(''), string(''))]
    const first = given++ * 1000
    const entries = Array.from({ length: 1000 }, (_, i) => [
      string(`file-${first + i}`),
      string(''),
      attributes({ size: 1, mode: 0o100644 }),
    ])
    return [packet(answer.name, u32(id), u32(1000), ...entries.flat())]
  })
}

/** A data connection from which nobody reads yet. */
async function beginListing(command: string): Promise<TLSSocket> {
  const [epsv] = await client.dialogue('> EPSV', '< 229')
  const raw = connect(Number(/\|\|\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1]), gateway.host)
  await once(raw, 'connect')
  const secured = connectTls({ socket: raw, rejectUnauthorized: false })
  secured.on('error', () => undefined)
  const ready = once(secured, 'secureConnect')
  await client.dialogue(`> ${command}`, '< 150')
  await ready
  return secured
}

test('F40 a directory of a million entries: the server is held back while the client does not read, then all are listed by 226', async () => {
  server.misbehave({ faults: [{ on: 'readdir', times: always, does: directoryOf(1000) }] })
  const data = await beginListing('MLSD /folder')
  for (let before = -1; before !== asked(); await sleep(500)) before = asked()
  expect(asked()).toBeLessThan(700)
  let lines = 0
  data.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++
  })
  await client.dialogue('< 226')
  data.end()
  await once(data, 'close')
  expect(lines).toBe(1_000_000)
})

test('F40 READDIR answers slowly: the listing is whole', async () => {
  server.misbehave({
    faults: [
      { on: 'readdir', times: always, does: { do: 'hold', forMs: 100 } },
      { on: 'opendir', does: { do: 'hold', forMs: 100 } },
    ],
  })
  for (let i = 0; i < 300; i++) server.tree.addFile(`/folder/file-${i}`)
  const { code, content } = await client.transfer('NLST /folder')
  expect(code).toBe(226)
  expect(content.toString().trimEnd().split('\r\n')).toHaveLength(300)
  for (let i = 0; i < 300; i++) server.tree.findDirectory('/folder').children.delete(`file-${i}`)
})

test('F40 READDIR is not answered: ABOR ends the listing at once, and the next login works', async () => {
  server.misbehave({
    faults: [
      { on: 'readdir', nth: 3, times: always, does: silence },
      { on: 'readdir', times: 2, does: names(['a', 'b']) },
    ],
  })
  const [epsv] = await client.dialogue('> EPSV', '< 229')
  const data = connect(Number(/\|\|\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1]), gateway.host).on('error', () => {})
  await once(data, 'connect')
  await client.send('LIST /folder')
  await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(2)
  await client.dialogue('> ABOR', '< 426', '< 226', '> PWD', '< 257', '> QUIT', '< 221')
  data.destroy()
  client = await logIn()
})

/** The attributes of a file that was changed then. */
function changedAt(seconds: number): Buffer {
  return Buffer.concat([u32(0xd), bigU64(3n), u32(0o100644), u32(seconds), u32(seconds)])
}

test.each([
  ['0', 0, '19700101000000', '1970'],
  ['2^31, which is negative to some', 2 ** 31, '20380119031408', '2038'],
  ['2^32-1, which is -1 to others', 2 ** 32 - 1, '21060207062815', '2106'],
])(
  'F42 a file was changed at %s: MDTM, MLST, MLSD and LIST tell a time that can be',
  async (_, seconds, told, year) => {
    const attrs = changedAt(seconds)
    const file = { name: 'odd', longname: '-rw-r--r-- 1 a b 3 Jan 1 00:00 odd' }
    const looks = (['stat', 'lstat'] as const).map((on) => ({ on, times: always, does: answers(answer.attrs, attrs) }))
    server.misbehave({ faults: looks })
    await client.dialogue('> MDTM /f', `< 213 ${told}`, '> MLST /f', `< 250`)
    expect(client.transcript.join('\n')).toContain(`modify=${told};`)
    for (const [command, line] of [
      ['MLSD', new RegExp(`^type=file;.*modify=${told};.* odd\r\n$`, 'i')],
      ['LIST', new RegExp(`^-rw-r--r-- .* 3 \\w{3} [ \\d]\\d  ${year} odd\r\n$`)],
    ] as const) {
      const listed = [
        { on: 'readdir', does: names([file], attrs) },
        { on: 'readdir', nth: 2, times: always, does: endOfFile },
      ] as const
      server.misbehave({ faults: listed })
      const { code, content } = await client.transfer(`${command} /folder`)
      expect(code).toBe(226)
      expect(content.toString()).toMatch(line)
    }
  },
)

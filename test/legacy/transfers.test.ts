import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { judgeEnd } from '../../src/data/secure-connection.ts'
import type { TransferEvent, TransferRecord } from '../../src/observe/observer.ts'
import { EndOfDataShim } from '../../src/tls/end-of-data-shim.ts'
import { endSafely } from '../../src/tls/safe-end.ts'
import type { Dialogue } from '../support/dialogue.ts'
import { type RelayGateway, type RelayGatewayOptions, startRelayGateway } from '../support/relay-gateway.ts'
import type { Script, ScriptedClient } from '../support/scripted-server.ts'

let relay: RelayGateway
afterEach(async () => {
  await relay.stop()
})

async function start(options: RelayGatewayOptions = {}): Promise<Dialogue> {
  relay = await startRelayGateway(options)
  return relay.logIn()
}

/** Answers the transfer command with 150, and does the rest in its own time. */
function transferring(verb: string, rest: (data: Socket, server: ScriptedClient) => Promise<void>): Script {
  return (line, server) => {
    if (!line.startsWith(verb)) return undefined
    void server.data().then((data) => rest(data, server))
    return '150-Here\r\n150 it comes\r\n'
  }
}

/** What a client sees of a download: its bytes, and how they end. */
async function watchedDownload(client: Dialogue, command: string) {
  const [passive] = await client.dialogue('> EPSV', '< 229')
  const port = Number(/\(\|\|\|(\d+)\|\)/.exec(passive?.lines[0] ?? '')?.[1])
  const raw = connectTcp(port, '127.0.0.1')
  await once(raw, 'connect')
  await client.send(command)
  const mark = await client.reply()
  const shim = new EndOfDataShim(raw)
  const data = connectTls({ socket: shim, rejectUnauthorized: false })
  const end = judgeEnd(data, shim, () => true)
  const chunks: Buffer[] = []
  data.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {})
  await new Promise((over) => data.once('end', over).once('close', over))
  data.destroy()
  return { mark, end: end(), content: Buffer.concat(chunks), final: await client.reply() }
}

/** An upload whose client ends it in its own way, after the bytes. */
async function upload(client: Dialogue, command: string, end: (raw: Socket) => unknown) {
  const [passive] = await client.dialogue('> EPSV', '< 229')
  const port = Number(/\(\|\|\|(\d+)\|\)/.exec(passive?.lines[0] ?? '')?.[1])
  const raw = connectTcp(port, '127.0.0.1')
  await client.send(command)
  await client.reply()
  const data = connectTls({ socket: raw, rejectUnauthorized: false })
  data.on('error', () => {})
  raw.on('error', () => {})
  await once(data, 'secureConnect')
  await new Promise((written) => data.write('half of a file', written))
  await end(raw)
  return client.reply()
}

/** How a data connection ended for the old server, which asks for no close_notify: `end` or a reset. */
function howItEnds(data: Socket): Promise<string> {
  return new Promise((tell) => {
    data.resume()
    data.once('end', () => tell('end')).once('error', (error) => tell(error.message))
    data.once('close', () => tell('closed'))
  })
}

function transfers(): TransferEvent[] {
  return relay.events.filter((event): event is TransferEvent => event.kind === 'transfer')
}

describe('A relayed download', () => {
  test('passes marks, bytes and the final reply as they are', async () => {
    const script = transferring('RETR', async (data, server) => {
      data.end('a file')
      server.say('226-Thank you\r\n226 and good bye\r\n')
    })
    const client = await start({ old: { script } })
    const { mark, end, content, final } = await watchedDownload(client, 'RETR  a b')
    expect(mark.lines).toEqual(['150-Here', '150 it comes'])
    expect([end, content.toString()]).toEqual(['close_notify', 'a file'])
    expect(final.lines).toEqual(['226-Thank you', '226 and good bye'])
    expect(relay.old.lines.slice(-2)).toEqual(['EPSV', 'RETR  a b'])
    expect(transfers()).toMatchObject([{ verb: 'RETR', path: '/home/ a b', bytes: 6, outcome: 'ok', code: 226 }])
  })

  test('that the old server ends without close_notify does not end with one', async () => {
    const script = transferring('RETR', async (data, server) => {
      await new Promise((written) => data.write('half a file', written))
      // A FIN, and no more TLS.
      ;(data as unknown as { _parent: Socket })._parent.end()
      server.say('226 All done\r\n')
    })
    const client = await start({ old: { script } })
    const { end, content, final } = await watchedDownload(client, 'RETR a')
    expect([end, content.toString()]).toEqual(['fin', 'half a file'])
    expect(final.lines).toEqual(['226 All done'])
    expect(transfers()).toMatchObject([{ outcome: 'truncated', code: 226 }])
  })

  test('that the old server breaks off does not end in order, and has its words', async () => {
    const script = transferring('RETR', async (data, server) => {
      await new Promise((written) => data.write('half a file', written))
      ;(data as unknown as { _parent: Socket })._parent.resetAndDestroy()
      server.say('451 Disk broken\r\n')
    })
    const client = await start({ old: { script } })
    const { end, final } = await watchedDownload(client, 'RETR a')
    expect(end).not.toBe('close_notify')
    expect(final.lines).toEqual(['451 Disk broken'])
    expect(transfers()).toMatchObject([{ outcome: 'backend_error', code: 451 }])
  })

  test('that failed behind a clean end has the words of the old server', async () => {
    const script = transferring('RETR', async (data, server) => {
      data.end('half a file')
      server.say('551 Record locked\r\n')
    })
    const client = await start({ old: { script } })
    const { end, final } = await watchedDownload(client, 'RETR a')
    expect([end, final.lines]).toEqual(['close_notify', ['551 Record locked']])
    expect(transfers()).toMatchObject([{ outcome: 'backend_error', code: 551 }])
  })

  test('whose old server disappears is 426, and 421', async () => {
    const script = transferring('RETR', async (data, server) => {
      await new Promise((written) => data.write('half a file', written))
      server.leave()
    })
    const client = await start({ old: { script } })
    const { end, final } = await watchedDownload(client, 'RETR a')
    expect(end).not.toBe('close_notify')
    expect(final.lines[0]).toBe('426 Transfer aborted, the connection to the file server was lost.')
    await client.dialogue('< 421')
  })

  test('that is refused has the old server’s words, and no data', async () => {
    const client = await start({
      old: { script: (line) => (line === 'RETR a' ? '550-No\r\n550 such file\r\n' : undefined) },
    })
    await client.dialogue('> EPSV', '< 229', '> RETR a')
    expect((await client.reply()).lines).toEqual(['550-No', '550 such file'])
    expect(transfers()).toEqual([])
  })

  test('may have no mark', async () => {
    const script: Script = (line, server) => {
      if (line !== 'LIST') return undefined
      void server.data().then((data) => data.end('names\r\n'))
      return '226 That was it\r\n'
    }
    const client = await start({ old: { script } })
    const [passive] = await client.dialogue('> EPSV', '< 229')
    const raw = connectTcp(Number(/\|(\d+)\|/.exec(passive?.lines[0] ?? '')?.[1]), '127.0.0.1')
    const data = connectTls({ socket: raw, rejectUnauthorized: false })
    await client.send('LIST')
    expect((await once(data, 'data')).toString()).toBe('names\r\n')
    await endSafely(data)
    await client.dialogue('< 226 That was it')
  })

  test('finds its way by PASV, too, and around an inner address', async () => {
    const script: Script = async (line, server) => {
      if (line === 'EPSV') return '500 Never heard of it\r\n'
      if (line === 'PASV') {
        const port = await server.passive()
        return `227 Passive (10,9,8,7,${port >> 8},${port & 255})\r\n`
      }
      return transferring('RETR', async (data) => {
        data.end('a file')
        server.say('226 Done\r\n')
      })(line, server)
    }
    const client = await start({ old: { script } })
    for (const _ of [1, 2]) expect((await client.transfer('RETR a')).content.toString()).toBe('a file')
    expect(relay.old.lines.filter((line) => line === 'EPSV')).toHaveLength(1)
    expect(relay.old.lines.filter((line) => line === 'PASV')).toHaveLength(2)
  })

  test('is 425 where the old server offers no port', async () => {
    const script: Script = (line) => (/^(EPSV|PASV)/.test(line) ? '502 No\r\n' : undefined)
    const client = await start({ old: { script } })
    await client.dialogue('> EPSV', '< 229', '> RETR a', "< 425 Can't open data connection to the file server.")
    await client.dialogue('> NOOP', '< 500 What?')
  })

  test('stands still no longer than it may', async () => {
    const script = transferring('RETR', async (data, server) => {
      data.write('half a file')
      data.once('close', () => server.say('426 You are gone\r\n'))
    })
    const client = await start({ old: { script }, timeouts: { stallMs: 300 } })
    const { end, final } = await watchedDownload(client, 'RETR a')
    expect(end).not.toBe('close_notify')
    expect(final.lines).toEqual(['426 You are gone'])
  })
})

describe('A relayed upload', () => {
  test('arrives whole, and its record says what was sent', async () => {
    const got: Buffer[] = []
    const script = transferring('STOR', async (data, server) => {
      data.on('data', (chunk: Buffer) => got.push(chunk))
      await once(data, 'end')
      data.end()
      server.say('226 Stored\r\n')
    })
    const written: TransferRecord[] = []
    const records = { on: true, write: async (record: TransferRecord) => void written.push(record) }
    const client = await start({ old: { script }, gateway: { records } })
    const content = Buffer.alloc(3_000_000, 'abc')
    expect((await client.transfer('STOR a', content)).replies.at(-1)?.lines).toEqual(['226 Stored'])
    expect(Buffer.concat(got).equals(content)).toBe(true)
    expect(transfers()).toMatchObject([{ outcome: 'ok', endOfData: 'close_notify', bytes: content.length }])
    expect(written).toMatchObject([{ verb: 'STOR', path: '/home/a', stored: { bytes: content.length }, outcome: 'ok' }])
  })

  test.each([
    ['FIN', (raw: Socket) => raw.end()],
    ['a reset', (raw: Socket) => void raw.resetAndDestroy()],
  ])(
    'that its client ends by %s without close_notify is cut for the old server, whatever that says',
    async (_, end) => {
      let seen: Promise<string> | undefined
      let read = () => {}
      const begun = new Promise<void>((resolve) => {
        read = resolve
      })
      const script = transferring('STOR', async (data, server) => {
        data.once('data', read)
        seen = howItEnds(data)
        await seen
        server.say('226 Stored, I think\r\n')
      })
      const client = await start({ old: { script } })
      // A reset that comes together with bytes is a mere end for Node.
      const final = await upload(client, 'STOR a', (raw) => begun.then(() => end(raw)))
      expect(final.code).toBe(426)
      expect(await seen).toContain('ECONNRESET')
      expect(transfers()).toMatchObject([{ code: 426, outcome: expect.stringMatching(/truncated|data_error/) }])
      await client.dialogue('> NOOP', '< 500 What?')
    },
  )

  test('that is cut has the old server’s own failure, where it has one', async () => {
    const script = transferring('STOR', async (data, server) => {
      await howItEnds(data)
      server.say('551 Half a file\r\n')
    })
    const client = await start({ old: { script } })
    const final = await upload(client, 'STOR a', (raw) => raw.end())
    expect(final.lines).toEqual(['551 Half a file'])
    expect(transfers()).toMatchObject([{ code: 551, outcome: 'truncated' }])
  })

  test('that the old server has no room for has its words', async () => {
    const script = transferring('STOR', async (data, server) => {
      await once(data, 'data')
      data.destroy()
      server.say('552 No room\r\n')
    })
    const client = await start({ old: { script } })
    const { replies } = await client.transfer('STOR a', Buffer.alloc(5_000_000))
    expect(replies.at(-1)?.lines).toEqual(['552 No room'])
  })
})

describe('ABOR and STAT in the middle of a relayed transfer', () => {
  /** Begins a download that goes on for ever. */
  async function endless(client: Dialogue) {
    const [passive] = await client.dialogue('> EPSV', '< 229')
    const raw = connectTcp(Number(/\|(\d+)\|/.exec(passive?.lines[0] ?? '')?.[1]), '127.0.0.1')
    const data = connectTls({ socket: raw, rejectUnauthorized: false })
    data.on('error', () => {})
    await client.dialogue('> RETR a', '< 150')
    await once(data, 'data')
    data.resume()
  }

  test('ABOR is the old server’s to answer', async () => {
    let end = () => {}
    const sending = transferring('RETR', async (data) => {
      data.write('half a file')
      end = () => data.destroy()
    })
    const script: Script = (line, server) => {
      if (line !== 'ABOR') return sending(line, server)
      end()
      return '426 Stopped\r\n226 As you wish\r\n'
    }
    const client = await start({ old: { script } })
    await endless(client)
    await client.dialogue('> ABOR', '< 426 Stopped', '< 226 As you wish', '> NOOP', '< 500 What?')
  })

  test('ABOR ends the data of an old server that does not read it meanwhile', async () => {
    const waiting: string[] = []
    const sending = transferring('RETR', async (data, server) => {
      data.write('half a file')
      data.once('close', () => server.say(`426 Broken\r\n${waiting.map(() => '225 Nothing to abort\r\n').join('')}`))
    })
    const script: Script = (line, server) => {
      if (line !== 'ABOR') return sending(line, server)
      waiting.push(line)
      return null
    }
    const client = await start({ old: { script } })
    await endless(client)
    await client.dialogue('> ABOR', '< 426 Broken', '< 225 Nothing to abort', '> NOOP', '< 500 What?')
  })

  test('ABOR where nothing is under way is the old server’s, too', async () => {
    const client = await start({ old: { script: (line) => (line === 'ABOR' ? '225 Nothing\r\n' : undefined) } })
    await client.dialogue('> ABOR', '< 225 Nothing')
  })

  test('STAT is answered while the data move, where the old server does so, and other commands wait', async () => {
    let finish = () => {}
    const sending = transferring('RETR', async (data, server) => {
      data.write('half a file')
      finish = () => {
        data.end()
        server.say('226 Done\r\n')
      }
    })
    const script: Script = (line, server) => {
      if (line === 'STAT') return '211-Half\r\n211 way\r\n'
      return line === 'SYST' ? '215 OLD\r\n' : sending(line, server)
    }
    const client = await start({ old: { script } })
    await endless(client)
    await client.dialogue('> STAT', '< 211', '> SYST')
    expect(relay.old.lines).not.toContain('SYST')
    finish()
    await client.dialogue('< 226 Done', '< 215 OLD')
  })

  test('STAT that the old server answers only afterwards keeps nobody from ABOR', async () => {
    const late: string[] = []
    const sending = transferring('RETR', async (data, server) => {
      data.write('half a file')
      data.once('close', () => server.say(`426 Broken\r\n${late.join('')}`))
    })
    const script: Script = (line, server) => {
      if (line === 'STAT') late.push('211 Late\r\n')
      else if (line === 'ABOR') late.push('226 Aborted\r\n')
      else return sending(line, server)
      return null
    }
    const client = await start({ old: { script } })
    await endless(client)
    await client.dialogue('> STAT', '> ABOR', '< 426 Broken', '< 211 Late', '< 226 Aborted')
  })
})

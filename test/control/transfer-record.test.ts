import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { deflateSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fromText } from '../../src/ftp/bytes.ts'
import type { TransferRecord } from '../../src/observe/observer.ts'
import { TransferLog } from '../../src/observe/transfer-log.ts'
import type { Dialogue } from '../support/dialogue.ts'
import { failure } from '../support/memory-backend.ts'
import { type MemoryGateway, type MemoryGatewayOptions, startMemoryGateway } from '../support/memory-gateway.ts'

let folder: string
let gateway: MemoryGateway
let log: TransferLog
const sockets: Socket[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'transfer-record-'))
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await gateway.stop()
  await log.close()
  rmSync(folder, { recursive: true })
  expect(gateway.backend.openHandles).toBe(0)
  expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
})

async function logIn(options: MemoryGatewayOptions = {}): Promise<Dialogue> {
  log = new TransferLog((event) => gateway.events.push(event))
  await log.use({ file: join(folder, 'log'), format: 'json' })
  gateway = await startMemoryGateway({ tls: 'explicit', records: log, ...options })
  const client = await gateway.logIn()
  if ((options.tls ?? 'explicit') === 'explicit') await client.dialogue('> PBSZ 0', '< 200', '> PROT P', '< 200')
  return client
}

interface Line {
  readonly [key: string]: unknown
}

/** What the file says at this moment. */
function lines(): Line[] {
  const text = readFileSync(join(folder, 'log'), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')
const content = randomBytes(300_000)

/** A data connection in the clear, for a client that ends it in its own way. */
async function dataConnection(client: Dialogue): Promise<Socket> {
  const [epsv] = await client.dialogue('> EPSV', '< 229')
  const port = Number(/\|\|\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1])
  const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

describe('The record of an upload', () => {
  test('is in the file when 226 comes, with the SHA-256 of what the client sent', async () => {
    const client = await logIn()
    const before = Date.now()
    expect(await client.transfer('STOR a b', content)).toMatchObject({ code: 226 })
    const [line, ...others] = lines()
    expect(others).toEqual([])
    expect(line).toMatchObject({
      partner: 'default',
      user: 'test',
      address: '127.0.0.1',
      listener: 'test',
      verb: 'STOR',
      path: '/a b',
      bytes: content.length,
      storedBytes: content.length,
      sha256: sha256(content),
      outcome: 'ok',
      cause: null,
      code: 226,
      extent: 'whole',
      offset: 0,
      type: 'I',
      mode: 'S',
      data: 'tls',
      tls: 'TLSv1.3',
      cipher: expect.stringMatching(/^TLS_/),
      reused: true,
    })
    const opened = gateway.events.find((event) => event.kind === 'sessionOpened')
    expect(line?.['session']).toBe(opened?.kind === 'sessionOpened' && opened.session)
    const [start, end] = [Date.parse(String(line?.['start'])), Date.parse(String(line?.['end']))]
    // It is counted back from the end, by another clock.
    expect(start).toBeGreaterThanOrEqual(before - 50)
    expect(end).toBeGreaterThanOrEqual(start)
    expect(end).toBeLessThanOrEqual(Date.now())
  })

  test('is waited for by 226, and comes after the commit', async () => {
    const order: string[] = []
    let write = () => {}
    const written = new Promise<void>((resolve) => {
      write = resolve
    })
    const asked = new Promise<TransferRecord>((resolve) => {
      const records = {
        on: true,
        write: (record: TransferRecord) => {
          order.push('record')
          resolve(record)
          return written
        },
      }
      void logIn({ records }).then(async (client) => {
        gateway.backend.before = (operation) => void (operation === 'commit' && order.push('commit'))
        const { code } = await client.transfer('STOR f', content)
        order.push(String(code))
        done()
      })
    })
    let done = () => {}
    const answered = new Promise<void>((resolve) => {
      done = resolve
    })
    expect(await asked).toMatchObject({ path: '/f', code: 226, outcome: 'ok' })
    // Everything that was on its way has come by then.
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    order.push('written')
    write()
    await answered
    expect(order).toEqual(['commit', 'record', 'written', '226'])
  })

  test.each(['no bytes at all', 'a file in one record', 'a large file'])(
    'has the right SHA-256 of %s',
    async (what) => {
      const bytes = randomBytes(what === 'a large file' ? 5_000_000 : what === 'no bytes at all' ? 0 : 10)
      for (const tls of ['explicit', 'off'] as const) {
        const client = await logIn({ tls })
        if (tls === 'explicit') expect((await client.transfer('STOR f', bytes)).code).toBe(226)
        else {
          const data = await dataConnection(client)
          await client.dialogue('> STOR f', '< 150')
          data.end(bytes)
          await client.dialogue('< 226')
        }
        expect(lines().at(-1)).toMatchObject({ sha256: sha256(bytes), bytes: bytes.length, storedBytes: bytes.length })
        expect(lines().at(-1)).toMatchObject(tls === 'off' ? { data: 'plain', tls: null } : { data: 'tls' })
        if (tls === 'explicit') {
          await gateway.stop()
          await log.close()
        }
      }
    },
  )

  test('in TYPE A and MODE Z has the bytes of both, and the SHA-256 of what is stored', async () => {
    const client = await logIn({ dialect: { commands: { modeZ: true } } })
    await client.dialogue('> TYPE A', '< 200')
    expect((await client.transfer('STOR f', Buffer.from('a\r\nb\r\n'))).code).toBe(226)
    expect(lines()).toMatchObject([{ type: 'A', mode: 'S', bytes: 6, storedBytes: 4, sha256: sha256('a\nb\n') }])
    await client.dialogue('> TYPE I', '< 200', '> MODE Z', '< 200')
    const packed = deflateSync(content)
    expect((await client.transfer('STOR g', packed)).code).toBe(226)
    const both = { bytes: packed.length, storedBytes: content.length, sha256: sha256(content) }
    expect(lines()[1]).toMatchObject({ type: 'I', mode: 'Z', ...both })
  })

  test('says of APPE and REST that they are a part', async () => {
    const client = await logIn()
    gateway.backend.tree.addFile('/f', '0123')
    expect((await client.transfer('APPE f', Buffer.from('45'))).code).toBe(226)
    await client.dialogue('> REST 2', '< 350')
    expect((await client.transfer('STOR f', Buffer.from('xy'))).code).toBe(226)
    expect(lines()).toMatchObject([
      { verb: 'APPE', extent: 'partial', offset: 0, bytes: 2, sha256: sha256('45'), outcome: 'ok' },
      { verb: 'STOR', extent: 'partial', offset: 2, bytes: 2, sha256: sha256('xy'), outcome: 'ok' },
    ])
  })

  test('has the name that STOU found', async () => {
    const client = await logIn()
    gateway.backend.tree.addFile('/f', '')
    expect((await client.transfer('STOU f', content)).code).toBe(226)
    expect(lines()).toMatchObject([{ verb: 'STOU', path: '/f.1', extent: 'whole' }])
  })

  test('stays one line whatever the name', async () => {
    const client = await logIn()
    expect((await client.transfer(fromText('STOR a\u2028b\u0085\tü'), content)).code).toBe(226)
    expect(readFileSync(join(folder, 'log'), 'utf8')).toMatch(/^[^\p{Cc}\u2028]+\n$/u)
    expect(lines()).toMatchObject([{ path: '/a\u2028b\u0085\tü' }])
  })
})

describe('An upload that fails is recorded', () => {
  test('when it is cut off', async () => {
    const client = await logIn({ tls: 'off' })
    const data = await dataConnection(client)
    await client.dialogue('> STOR f', '< 150')
    const arrived = new Promise<void>((resolve) => {
      gateway.backend.before = (operation) => void (operation === 'writeChunk' && resolve())
    })
    data.write('half of it')
    await arrived
    data.resetAndDestroy()
    await client.dialogue('< 426')
    expect(lines()).toMatchObject([{ outcome: 'failed', cause: 'data_error', code: 426, bytes: 10, data: 'plain' }])
    expect(lines()).toMatchObject([{ extent: 'partial', sha256: sha256('half of it') }])
  })

  test('when it ends without close_notify', async () => {
    const client = await logIn()
    const data = await dataConnection(client)
    await client.dialogue('> STOR f', '< 150')
    const stream = connectTls({ socket: data, rejectUnauthorized: false }).on('error', () => {})
    await once(stream, 'secureConnect')
    const arrived = new Promise<void>((resolve) => {
      gateway.backend.before = (operation) => void (operation === 'writeChunk' && resolve())
    })
    stream.write('half of it')
    await arrived
    // A FIN of the TCP connection below.
    data.end()
    await client.dialogue('< 426')
    expect(lines()).toMatchObject([{ outcome: 'failed', cause: 'truncated', code: 426, data: 'tls', reused: false }])
  })

  test('when it is aborted', async () => {
    const client = await logIn({ tls: 'off' })
    const data = await dataConnection(client)
    await client.dialogue('> STOR f', '< 150')
    data.write('half of it')
    await client.dialogue('> ABOR', '< 426', '< 226')
    expect(lines()).toMatchObject([{ outcome: 'failed', cause: 'client_abort', code: 426, extent: 'partial' }])
  })

  test('once, when it is aborted while its file is being opened', async () => {
    const client = await logIn({ tls: 'off' })
    let open = () => {}
    const opening = new Promise<void>((asked) => {
      gateway.backend.before = (operation) => {
        if (operation !== 'write') return
        asked()
        return new Promise<void>((resolve) => {
          open = resolve
        })
      }
    })
    await client.dialogue('> EPSV', '< 229', '> STOR f')
    await opening
    await client.dialogue('> ABOR', '< 426', '< 226')
    expect(lines()).toMatchObject([{ cause: 'client_abort', code: 426, data: 'none', sha256: null, path: '/f' }])
    open()
    // The next transfer waits for the end of this one.
    gateway.backend.before = () => {}
    await client.dialogue('> EPSV', '< 229', '> RETR none', '< 550')
    expect(lines().map(({ path }) => path)).toEqual(['/f', '/none'])
  })

  test('when the backend fails, before and in the commit', async () => {
    const client = await logIn()
    for (const operation of ['writeChunk', 'commit'] as const) {
      gateway.backend.before = (now) => {
        if (now === operation) throw failure('noSpace')
      }
      expect((await client.transfer(`STOR ${operation}`, content)).code).toBe(452)
    }
    expect(lines()).toMatchObject([
      { path: '/writeChunk', outcome: 'failed', cause: 'backend_error', code: 452, extent: 'partial' },
      { path: '/commit', outcome: 'failed', cause: 'backend_error', code: 452, sha256: sha256(content) },
    ])
  })

  test('when it is refused before it begins, but not when its command makes no sense', async () => {
    const client = await logIn()
    await client.dialogue('> STOR', '< 501', '> STOR f', '< 425')
    await client.dialogue('> EPSV', '< 229', '> STOR none/f', '< 550')
    expect(lines()).toMatchObject([
      { path: '/f', outcome: 'failed', cause: 'refused', code: 425 },
      { path: '/none/f', outcome: 'failed', cause: 'refused', code: 550, data: 'none', bytes: 0, sha256: null },
    ])
  })
})

test('A download is recorded, and what there was of it; a listing is not', async () => {
  const client = await logIn()
  gateway.backend.tree.addFile('/f', '0123456789')
  expect((await client.transfer('NLST')).code).toBe(226)
  expect((await client.transfer('RETR f')).code).toBe(226)
  await client.dialogue('> REST 4', '< 350')
  expect((await client.transfer('RETR f')).code).toBe(226)
  await client.dialogue('> EPSV', '< 229', '> RETR none', '< 550', '> EPSV', '< 229', '> LIST none', '< 550')
  expect(lines()).toMatchObject([
    { verb: 'RETR', path: '/f', bytes: 10, extent: 'whole', offset: 0, storedBytes: null, sha256: null, code: 226 },
    { verb: 'RETR', path: '/f', bytes: 6, extent: 'partial', offset: 4, outcome: 'ok' },
    { verb: 'RETR', path: '/none', bytes: 0, extent: 'partial', outcome: 'failed', cause: 'refused', code: 550 },
  ])
})

test('A record that cannot be written does not fail its transfer', async () => {
  const client = await logIn()
  await log.use({ file: '/dev/full', format: 'json' })
  expect(await client.transfer('STOR f', content)).toMatchObject({ code: 226 })
  expect(gateway.backend.content('/f')?.equals(content)).toBe(true)
  const lost = gateway.events.filter((event) => event.kind === 'transferRecordLost')
  expect(lost).toMatchObject([{ path: '/f', partner: 'default', reason: expect.stringContaining('ENOSPC') }])
})

test('Without the log nothing is recorded, and with it from the next transfer on', async () => {
  const client = await logIn()
  await log.use(undefined)
  expect((await client.transfer('STOR f', content)).code).toBe(226)
  await log.use({ file: join(folder, 'log'), format: 'xferlog' })
  expect(lines()).toEqual([])
  expect((await client.transfer('STOR g h', content)).code).toBe(226)
  expect(readFileSync(join(folder, 'log'), 'utf8')).toMatch(/ 127\.0\.0\.1 300000 \/g%20h b _ i r test ftp 0 \* c\n$/)
})

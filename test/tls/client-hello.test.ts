import { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { type ConnectionOptions, connect } from 'node:tls'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readHello } from '../../src/tls/client-hello.ts'

/** The first bytes of a client. */
async function hello(options: ConnectionOptions): Promise<Buffer> {
  const sent: Buffer[] = []
  const socket = new Duplex({
    read() {},
    write(chunk, _, done) {
      sent.push(chunk)
      done()
    },
  })
  const client = connect({ socket, ...options }).on('error', () => {})
  await setImmediate()
  client.destroy()
  return Buffer.concat(sent)
}

const named = await hello({ servername: 'FTP.Example.com' })
const record = (content: Buffer) =>
  Buffer.concat([Buffer.of(22, 3, 1, content.length >> 8, content.length & 255), content])

describe('A ClientHello', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('of %s says the name that its client wants', async (version) => {
    const bytes = await hello({ servername: 'FTP.Example.com', minVersion: version, maxVersion: version })
    expect(readHello(bytes)).toEqual({ serverName: 'ftp.example.com' })
  })

  test('says nothing where the client does not', async () => {
    expect(readHello(await hello({ minVersion: 'TLSv1.2' }))).toEqual({ serverName: undefined })
    expect(readHello(await hello({ maxVersion: 'TLSv1.2' }))).toEqual({ serverName: undefined })
  })

  test('is the same in any pieces and records, and whatever comes behind it', () => {
    const content = named.subarray(5)
    fc.assert(
      fc.property(fc.array(fc.nat(content.length), { maxLength: 8 }), fc.uint8Array(), (cuts, behind) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), content.length]
        const records = edges.slice(1).flatMap((end, i) => {
          const part = content.subarray(edges[i], end)
          return Array.from({ length: Math.ceil(part.length / 200) }, (_, n) =>
            record(part.subarray(n * 200, n * 200 + 200)),
          )
        })
        const whole = Buffer.concat(records)
        expect(readHello(Buffer.concat([whole, behind]))).toEqual({ serverName: 'ftp.example.com' })
        for (const end of cuts) expect(readHello(whole.subarray(0, Math.min(end, whole.length - 1)))).toBe('more')
      }),
    )
  })

  test('that is something else has no name, at once', () => {
    for (const text of ['GET / HTTP/1.1\r\n', 'USER anonymous\r\n', 'SSH-2.0-OpenSSH\r\n']) {
      expect(readHello(Buffer.from(text))).toEqual({ serverName: undefined })
    }
    // What Java 6 sends: an SSL 2.0 record around a hello for TLS 1.0.
    expect(readHello(Buffer.from('802b0103010012000000100100800200040080', 'hex'))).toEqual({ serverName: undefined })
    const serverHello = Buffer.from(named)
    serverHello[5] = 2
    expect(readHello(serverHello)).toEqual({ serverName: undefined })
  })

  test('is not put together from more than 16 pieces', () => {
    const pieces = (count: number) => Buffer.concat(Array(count).fill(record(Buffer.alloc(0))))
    expect(readHello(pieces(15))).toBe('more')
    expect(readHello(pieces(16))).toEqual({ serverName: undefined })
  })

  test('is not waited for behind 16 KiB', () => {
    const endless = record(Buffer.from([1, 0xff, 0xff, 0xff, ...Array(180).fill(0)]))
    const more = (count: number) => Buffer.concat([endless, ...Array(count).fill(record(Buffer.alloc(4000)))])
    expect(readHello(more(4))).toBe('more')
    expect(readHello(more(5))).toEqual({ serverName: undefined })
  })

  test('names a DNS name or none', () => {
    const at = named.indexOf('FTP.Example.com')
    for (const odd of ['FTP.Example\0com', 'FTP..xample.com', '../Example.com/', '*.example.com..']) {
      const changed = Buffer.from(named)
      changed.write(odd.slice(0, 15).padEnd(15, ' '), at, 'latin1')
      expect(readHello(changed)).toEqual({ serverName: undefined })
    }
  })

  test('never throws, however it is damaged', () => {
    const damage = fc.array(fc.tuple(fc.nat(named.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(damage, fc.nat(named.length), (places, end) => {
        const changed = Buffer.from(named)
        for (const [at, byte] of places) changed[at] = byte
        readHello(changed.subarray(0, end))
      }),
      { numRuns: 2000 },
    )
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void readHello(Buffer.from(bytes))))
  })
})

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, expect, test, vi } from 'vitest'
import type { Dialogue } from '../support/dialogue.ts'
import { failure } from '../support/memory-backend.ts'
import { type MemoryGateway, type MemoryGatewayOptions, startMemoryGateway } from '../support/memory-gateway.ts'

let gateway: MemoryGateway
afterEach(async () => {
  await gateway.stop()
  expect(gateway.server.sessions).toBe(0)
  expect(gateway.ports.inUse).toBe(0)
  expect(gateway.backend.openHandles).toBe(0)
  expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
})

async function start(options?: MemoryGatewayOptions): Promise<MemoryGateway> {
  gateway = await startMemoryGateway(options)
  return gateway
}

/** A raw connection to the gateway and what it has answered. */
async function raw(): Promise<{ socket: Socket; until(text: string): Promise<string> }> {
  const socket = connect(gateway.port, '127.0.0.1')
  let received = ''
  let ended = false
  let wake = () => {}
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    wake()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    ended = true
    wake()
  })
  await once(socket, 'connect')
  return {
    socket,
    async until(text) {
      while (!received.includes(text) && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return received
    },
  }
}

/** A plain data connection for the next transfer. */
async function openData(client: Dialogue): Promise<Socket> {
  const [epsv] = await client.dialogue('> EPSV', '< 229')
  const port = Number(/\|\|\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1])
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function contentOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('commands are understood however TCP cuts them', async () => {
  await start()
  const { socket, until } = await raw()
  await until('220')
  for (const byte of 'NOOP\r\nSYST\r\n') {
    socket.write(byte)
    await new Promise(setImmediate)
  }
  expect(await until('215')).toMatch(/^220 .*\r\n200 .*\r\n215 UNIX Type: L8\r\n$/)
  socket.destroy()
})

test('pipelined commands are answered in order', async () => {
  await start()
  const { socket, until } = await raw()
  socket.write('NOOP\r\nSYST\r\nBLAH\r\nUSER test\r\nPASS secret\r\nPWD\r\nQUIT\r\n')
  const codes = (await until('221')).match(/^\d{3}/gm)
  expect(codes).toEqual(['220', '200', '215', '500', '331', '230', '257', '221'])
})

test('T11: a command behind AUTH TLS in the same segment ends the connection and is never carried out', async () => {
  await start({ tls: 'explicit' })
  const { socket, until } = await raw()
  socket.write('AUTH TLS\r\nUSER test\r\nPASS secret\r\n')
  expect(await until('331')).not.toContain('331')
  expect(gateway.events.filter(({ kind }) => kind === 'login')).toEqual([])
})

test.each([
  ['a transfer that is refused', [], 'RETR x\r\nAUTH TLS\r\nUSER test\r\nPASS secret\r\nMKD injected\r\n'],
  ['a transfer that is refused, alone', [], 'LIST\r\nAUTH TLS\r\n'],
  ['a listing', ['USER test', 'PASS secret', 'EPSV'], 'LIST\r\nREIN\r\nAUTH TLS\r\nUSER test\r\n'],
])('T11: AUTH TLS that had to wait behind %s ends the connection', async (_, before, bytes) => {
  await start({ tls: 'explicit', requireTls: false })
  const { socket, until } = await raw()
  for (const line of before) {
    socket.write(`${line}\r\n`)
    await until(line === 'EPSV' ? '229' : line.startsWith('USER') ? '331' : '230')
  }
  socket.write(bytes)
  if (before.length > 0) socket.write('ABOR\r\n')
  expect(await until('234')).toContain('234')
  const secured = connectTls({ socket, rejectUnauthorized: false })
  const how = await new Promise((resolve) => {
    secured.on('error', () => {})
    secured.once('secureConnect', () => resolve('secured')).once('close', () => resolve('closed'))
  })
  expect(how).toBe('closed')
  await vi.waitFor(() => expect(gateway.server.sessions).toBe(0))
  const verbs = gateway.events.flatMap((event) => (event.kind === 'command' ? [event.verb] : []))
  expect(verbs.at(-1)).toBe('AUTH')
})

test('a Telnet command that begins behind AUTH TLS ends the connection: it would eat what the client says in TLS', async () => {
  await start({ tls: 'explicit' })
  const { socket, until } = await raw()
  socket.write(Buffer.concat([Buffer.from('AUTH TLS\r\n'), Buffer.of(255, 251)]))
  await until('234')
  const secured = connectTls({ socket, rejectUnauthorized: false })
  const how = await new Promise((resolve) => {
    secured.on('error', () => {})
    secured.once('secureConnect', () => resolve('secured')).once('close', () => resolve('closed'))
  })
  expect(how).toBe('closed')
})

test('plaintext after the answer to AUTH TLS ends the connection', async () => {
  await start({ tls: 'explicit' })
  const { socket, until } = await raw()
  socket.write('AUTH TLS\r\n')
  await until('234')
  socket.write('USER test\r\n')
  expect(await until('331')).not.toContain('331')
})

test('what was said before AUTH TLS is forgotten', async () => {
  await start({ tls: 'explicit' })
  const client = await gateway.connect()
  await client.dialogue('< 220', '> USER test', '< 530')
  await client.secure()
  await client.dialogue('> PASS secret', '< 503', '> AUTH TLS', '< 503', '> QUIT', '< 221')
})

test('without TLS nobody logs in where TLS is required, and no transfer goes with PROT C', async () => {
  await start({ tls: 'explicit' })
  const client = await gateway.connect()
  await client.dialogue(
    '< 220',
    '> USER test',
    '< 530',
    '> PASS secret',
    '< 530',
    '> PBSZ 0',
    '< 503',
    '> FEAT',
    '< 211',
  )
  await client.secure()
  await client.dialogue('> USER test', '< 331', '> PASS secret', '< 230', '> PROT C', '< 534')
  await client.dialogue('> EPSV', '< 229', '> LIST', '< 521', '> QUIT', '< 221')
})

test('a wrong password is answered 530 after a second, and the third one closes', async () => {
  await start()
  const client = await gateway.connect()
  await client.dialogue('< 220')
  const startedAt = performance.now()
  for (let i = 0; i < 3; i++) await client.dialogue('> USER test', '< 331', '> PASS wrong', '< 530')
  expect(performance.now() - startedAt).toBeGreaterThan(2_900)
  await client.closed()
  const logins = gateway.events.filter((event) => event.kind === 'login')
  expect(logins.map(({ outcome }) => outcome)).toEqual(['bad_password', 'bad_password', 'bad_password'])
})

test('a backend that cannot be reached is 421, so that clients try again', async () => {
  await start()
  gateway.backend.before = () => {
    throw failure('unavailable', 'down')
  }
  const client = await gateway.connect()
  await client.dialogue('< 220', '> USER test', '< 331', '> PASS secret', '< 421')
  await client.closed()
})

test('a backend that is lost between commands is 421, and the connection closes', async () => {
  await start()
  const client = await gateway.logIn()
  gateway.backend.before = () => {
    throw failure('unavailable', 'lost')
  }
  await client.dialogue('> CWD /', '< 421')
  await client.closed()
})

test('a transfer without PASV or PORT is 425', async () => {
  await start()
  const client = await gateway.logIn()
  await client.dialogue(
    '> LIST',
    '< 425 Use PASV or PORT first',
    '> RETR x',
    '< 425',
    '> STOR x',
    '< 425',
    '> QUIT',
    '< 221',
  )
})

test('a refused transfer leaves the data connection usable for the next one', async () => {
  await start()
  gateway.backend.tree.addFile('/here', 'content')
  const client = await gateway.logIn()
  const data = await openData(client)
  await client.dialogue('> RETR missing', '< 550', '> RETR here', '< 150')
  expect(await contentOf(data)).toBe('content')
  data.end()
  await client.dialogue('< 226', '> QUIT', '< 221')
})

test('REST survives PASV and ends with the transfer, whatever became of it', async () => {
  await start()
  gateway.backend.tree.addFile('/f', '0123456789')
  const client = await gateway.logIn()
  await client.dialogue('> REST 4', '< 350')
  const first = await openData(client)
  await client.dialogue('> RETR f', '< 150')
  expect(await contentOf(first)).toBe('456789')
  first.end()
  await client.dialogue('< 226', '> REST 4', '< 350')
  const second = await openData(client)
  await client.dialogue('> RETR missing', '< 550', '> RETR f', '< 150')
  expect(await contentOf(second)).toBe('0123456789')
  second.end()
  await client.dialogue('< 226', '> QUIT', '< 221')
})

test('a listing that is empty is 150 and 226 without a byte', async () => {
  await start()
  const client = await gateway.logIn()
  const data = await openData(client)
  await client.dialogue('> LIST', '< 150')
  expect(await contentOf(data)).toBe('')
  data.end()
  await client.dialogue('< 226', '> QUIT', '< 221')
})

test('commands during a transfer wait for its end; STAT is answered at once', async () => {
  await start()
  const client = await gateway.logIn()
  const data = await openData(client)
  await client.dialogue('> STOR f', '< 150', '> NOOP', '> STAT', '< 211', '> PWD')
  data.end('text')
  await client.dialogue('< 226', '< 200', '< 257', '> QUIT', '< 221')
  expect(String(gateway.backend.content('/f'))).toBe('text')
})

test('NOOP during a transfer is answered at once where that is wanted', async () => {
  await start({ dialect: { commands: { noop: 'immediate' } } })
  const client = await gateway.logIn()
  const data = await openData(client)
  await client.dialogue('> STOR f', '< 150', '> NOOP', '< 200', '> PWD')
  data.end('text')
  await client.dialogue('< 226', '< 257', '> QUIT', '< 221')
})

test('QUIT during a transfer lets it finish', async () => {
  await start()
  const client = await gateway.logIn()
  const data = await openData(client)
  await client.dialogue('> STOR f', '< 150', '> QUIT')
  data.end('text')
  await client.dialogue('< 226', '< 221')
  expect(String(gateway.backend.content('/f'))).toBe('text')
})

test('a client that hangs up after the last byte of an upload has its file stored', async () => {
  await start()
  const client = await gateway.logIn()
  const data = await openData(client)
  await client.dialogue('> STOR f', '< 150')
  client.close()
  data.end('text')
  while (gateway.server.sessions > 0) await new Promise(setImmediate)
  expect(String(gateway.backend.content('/f'))).toBe('text')
})

test('an upload that is reset is 426, and the old file stays', async () => {
  await start()
  gateway.backend.tree.addFile('/f', 'old')
  const client = await gateway.logIn()
  const data = await openData(client)
  await client.dialogue('> STOR f', '< 150')
  data.write('new')
  data.resetAndDestroy()
  await client.dialogue('< 426', '> QUIT', '< 221')
  expect(String(gateway.backend.content('/f'))).toBe('old')
})

for (const [when, prepare] of [
  ['while the data connection is awaited', async () => undefined],
  ['while bytes flow', async (client: Dialogue) => openData(client)],
] as const) {
  for (const verb of ['STOR', 'RETR', 'LIST'] as const) {
    test(`ABOR ${when} of ${verb} is answered 426, then 226, and the session goes on`, async () => {
      await start()
      gateway.backend.tree.addFile('/f', 'x'.repeat(300_000))
      for (let i = 0; i < 250; i++) gateway.backend.tree.addFile(`/file-${i}`, '')
      let batches = 0
      let release = () => {}
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      gateway.backend.before = (operation) => {
        if (operation === 'batch') batches++
        return operation === 'readChunk' || batches > 1 ? gate : undefined
      }
      const client = await gateway.logIn()
      const data = await prepare(client)
      if (!data) await client.dialogue('> EPSV', '< 229')
      await client.dialogue(`> ${verb}${verb === 'LIST' ? '' : ' f'}`, '< 150', '> ABOR', '< 426', '< 226')
      release()
      await client.dialogue('> NOOP', '< 200', '> PWD', '< 257', '> QUIT', '< 221')
      data?.destroy()
      expect(gateway.backend.content('/f')?.length).toBe(300_000)
    })
  }
}

for (const [verb, operation] of [
  ['RETR f', 'read'],
  ['STOR f', 'write'],
  ['LIST', 'list'],
] as const) {
  test(`ABOR while a backend that hangs is still opening for ${verb} is answered at once; the next transfer is whole`, async () => {
    await start()
    gateway.backend.tree.addFile('/f', 'old')
    let opened = () => {}
    gateway.backend.before = (asked) =>
      asked === operation ? new Promise<void>((resolve) => (opened = resolve)) : undefined
    const client = await gateway.logIn()
    const first = await openData(client)
    await client.dialogue(`> ${verb}`, '> STAT', '< 211', '> ABOR', '< 426', '< 226', '> PWD', '< 257')
    const release = opened
    gateway.backend.before = () => {}
    const second = await openData(client)
    await client.dialogue('> RETR f')
    release()
    await client.dialogue('< 150')
    expect(await contentOf(second)).toBe('old')
    second.end()
    await client.dialogue('< 226', '> QUIT', '< 221')
    first.destroy()
  })
}

test('ABOR while an upload is being committed comes too late: 226 for the upload, then 225', async () => {
  await start()
  let commit = () => {}
  gateway.backend.before = (operation) =>
    operation === 'commit' ? new Promise<void>((resolve) => (commit = resolve)) : undefined
  const client = await gateway.logIn()
  const data = await openData(client)
  await client.dialogue('> STOR f', '< 150')
  data.end('text')
  data.resume()
  await once(data, 'end')
  await client.dialogue('> STAT', '< 211', '> ABOR')
  setTimeout(commit, 200)
  await client.dialogue('< 226', '< 225', '> QUIT', '< 221')
  expect(String(gateway.backend.content('/f'))).toBe('text')
})

test('ABOR without a transfer is 225, and what PASV prepared is undone', async () => {
  await start()
  const client = await gateway.logIn()
  await client.dialogue('> ABOR', '< 225', '> EPSV', '< 229', '> ABOR', '< 225', '> LIST', '< 425')
  await client.dialogue('> EPSV', '< 229', '> QUIT', '< 221')
})

test('ABOR in Telnet clothes, and without its LF as ftplib sends it, is understood', async () => {
  await start()
  const { socket, until } = await raw()
  await until('220')
  socket.write(Buffer.from('\xff\xf4\xffABOR\r\n', 'latin1'))
  expect(await until('530')).toContain('530')
  socket.write('QUIT\r')
  expect(await until('221')).toContain('221')
})

test('ABOR jumps over commands that wait behind the transfer', async () => {
  await start()
  const client = await gateway.logIn()
  const data = await openData(client)
  await client.dialogue('> STOR f', '< 150', '> NOOP', '> PWD', '> ABOR', '< 426')
  const codes = [await client.reply(), await client.reply(), await client.reply()].map(({ code }) => code)
  expect(codes.sort()).toEqual([200, 226, 257])
  data.destroy()
  expect(gateway.backend.content('/f')).toBeUndefined()
})

test('a line longer than 8192 bytes is 500, is not kept, and the third one closes', async () => {
  await start()
  const { socket, until } = await raw()
  for (let i = 0; i < 3; i++) socket.write(`USER ${'x'.repeat(200_000)}\r\n`)
  const codes = (await until('421')).match(/^\d{3}/gm)
  expect(codes).toEqual(['220', '500', '500', '421'])
})

test('a browser that posts to the port is shown the door', async () => {
  await start()
  const { socket, until } = await raw()
  socket.write('POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER test\r\nPASS secret\r\n')
  const text = await until('230')
  expect(text.match(/^\d{3}/gm)).toEqual(['220', '501'])
})

test('five strange commands before login close the connection', async () => {
  await start()
  const { socket, until } = await raw()
  socket.write('A\r\nB\r\nC\r\nD\r\nE\r\nNOOP\r\n')
  expect((await until('421')).match(/^\d{3}/gm)).toEqual(['220', '500', '500', '500', '500', '421'])
})

test('an idle session is told 421 and closed; a running transfer is not idle', async () => {
  await start({ timeouts: { idleMs: 1_500 } })
  const client = await gateway.logIn()
  const data = await openData(client)
  await client.dialogue('> STOR f', '< 150')
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  data.end('text')
  await client.dialogue('< 226', '< 421')
  await client.closed()
})

test('a client that does not log in in time is told 421', async () => {
  await start({ timeouts: { loginMs: 200 } })
  const client = await gateway.connect()
  await client.dialogue('< 220', '< 421')
  await client.closed()
})

test('a TLS handshake that never comes ends the connection without a word', async () => {
  await start({ tls: 'implicit', timeouts: { handshakeMs: 200 } })
  const { until } = await raw()
  expect(await until('2')).toBe('')
})

test('more sessions than allowed are refused with 421', async () => {
  await start({ limits: { sessionsPerAddress: 1 } })
  const first = await gateway.logIn()
  const second = await gateway.connect()
  await second.dialogue('< 421')
  await second.closed()
  await first.dialogue('> QUIT', '< 221')
})

test('a drain ends idle sessions with 421 and lets transfers finish', async () => {
  await start()
  const idle = await gateway.logIn()
  const busy = await gateway.logIn()
  const data = await openData(busy)
  await busy.dialogue('> STOR f', '< 150')
  const stopped = gateway.server.stop(10_000)
  await idle.dialogue('< 421')
  const late = await gateway.connect()
  await late.dialogue('< 421')
  data.end('text')
  await busy.dialogue('< 226', '< 421')
  await stopped
  expect(String(gateway.backend.content('/f'))).toBe('text')
})

test('a client that sends commands and never reads the answers is held back, then closed', async () => {
  await start({ timeouts: { idleMs: 500, loginMs: 60_000 } })
  const { socket } = await raw()
  socket.pause()
  const line = Buffer.from('HELP\r\n'.repeat(10_000))
  while (socket.write(line));
  await new Promise((resolve) => socket.once('close', resolve))
  const commands = gateway.events.filter(({ kind }) => kind === 'command')
  expect(commands.length).toBeLessThan(200_000)
})

test('a broken TLS record on the control connection ends the session', async () => {
  await start({ tls: 'explicit' })
  const client = await gateway.logIn()
  client.writeRaw(Buffer.alloc(132, 0x55))
  while (gateway.server.sessions > 0) await new Promise(setImmediate)
})

test('a login that succeeds after the time for it is not closed behind it', async () => {
  await start({ timeouts: { loginMs: 1_500 } })
  let proceed = () => {}
  gateway.backend.before = (operation) =>
    operation === 'open' ? new Promise<void>((resolve) => (proceed = resolve)) : undefined
  const client = await gateway.connect()
  await client.dialogue('< 220', '> USER test', '< 331', '> PASS secret')
  setTimeout(() => proceed(), 2_000)
  await client.dialogue('< 230', '> NOOP', '< 200', '> QUIT', '< 221')
})

test('a session that waits for the backend is cut with the rest', async () => {
  await start()
  const client = await gateway.logIn()
  let hung = () => {}
  const waiting = new Promise<void>((resolve) => {
    hung = resolve
  })
  gateway.backend.before = () => {
    hung()
    return new Promise((_resolve, reject) => gateway.backend.onClose(() => reject(failure('unavailable', 'closed'))))
  }
  await client.send('SIZE f')
  await waiting
  await gateway.server.stop(0)
})

test('no event carries a password', async () => {
  await start()
  const client = await gateway.connect()
  await client.dialogue('< 220', '> USER test', '< 331', '> PASS canary-7f3a', '< 530', '> ACCT canary-7f3a', '< 503')
  await client.dialogue('> QUIT', '< 221')
  expect(JSON.stringify(gateway.events)).not.toContain('canary')
})

test('REIN in the clear ends the login, and another one may follow on the same connection', async () => {
  await start()
  const client = await gateway.logIn()
  await client.dialogue('> SITE UMASK 077', '< 200', '> EPSV', '< 229', '> REIN', '< 220')
  await client.dialogue('> PWD', '< 530', '> USER test', '< 331', '> PASS secret', '< 230')
  await client.dialogue('> STAT', '< 211', '> SITE UMASK', "< 200 The server's own")
  // What was prepared before is gone, and TYPE is what it was at the beginning.
  await client.dialogue('> RETR nothing', '< 425', '> QUIT', '< 221')
})

test('REIN without a new login is closed after its time', async () => {
  await start({ timeouts: { loginMs: 300 } })
  const client = await gateway.logIn()
  await client.dialogue('> REIN', '< 220', '< 421')
  await client.closed()
})

test('REIN within TLS is 502: there would be no way back into it', async () => {
  await start({ tls: 'explicit' })
  const client = await gateway.logIn()
  await client.dialogue('> HELP', '< 214 REIN*', '> HELP REIN', '< 214 REIN is not implemented')
  await client.dialogue('> REIN', '< 502', '> PWD', '< 257', '> QUIT', '< 221')
})

test('SITE IDLE shortens what a session may be silent', async () => {
  await start()
  const client = await gateway.logIn()
  await client.dialogue('> SITE IDLE 1', '< 200', '< 421')
  await client.closed()
})

test('T19: on the implicit port a client that waits for a greeting gets it in the clear, and then speaks TLS', async () => {
  await start({ tls: 'implicit', greetingDelayMs: 200 })
  const plain = connect(gateway.port, '127.0.0.1')
  const [greeting] = await once(plain, 'data')
  expect(String(greeting)).toBe('220 FTP server ready.\r\n')
  plain.removeAllListeners('data')
  const secured = connectTls({ socket: plain, rejectUnauthorized: false })
  await once(secured, 'secureConnect')
  // There is no second greeting; PROT P is in force, and PBSZ is not needed.
  secured.write('USER test\r\n')
  const [answer] = await once(secured, 'data')
  expect(String(answer)).toMatch(/^331 /)
  secured.destroy()
})

test('T19: one that begins with TLS gets its greeting within it, and PROT P without asking', async () => {
  await start({ tls: 'implicit', greetingDelayMs: 5_000 })
  const client = await gateway.logIn()
  await client.dialogue('> PBSZ 0', '< 200', '> AUTH TLS', '< 503')
  expect((await client.transfer('STOR f', Buffer.from('text'))).code).toBe(226)
  await client.dialogue('> QUIT', '< 221')
})

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'
import { startUrgentRelay, type UrgentRelay } from '../support/urgent-relay.ts'

const size = 8 * 1024 * 1024

let gateway: MemoryGateway
let relay: UrgentRelay | undefined
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await relay?.stop()
  relay = undefined
  await gateway.stop()
  expect(gateway.ports.inUse).toBe(0)
  expect(gateway.backend.openHandles).toBe(0)
  expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
})

type Manner = readonly [security: 'plain' | 'TLS', manner: string]

/** How a client says ABOR. Within TLS there is no urgent data. */
const manners: readonly Manner[] = [
  ['plain', 'inline'],
  ['plain', 'behind Telnet commands'],
  ['plain', 'urgent as ftplib'],
  ['plain', 'urgent as lftp'],
  ['plain', 'urgent as bsd'],
  ['TLS', 'inline'],
  ['TLS', 'behind Telnet commands'],
]

/** A session that has logged in, over the relay where ABOR is to be urgent. */
async function logIn([security, manner]: Manner): Promise<Dialogue> {
  gateway = await startMemoryGateway({ tls: security === 'TLS' ? 'explicit' : 'off' })
  gateway.backend.tree.addFile('/f', 'x'.repeat(size))
  for (let i = 0; i < 250; i++) gateway.backend.tree.addFile(`/file-${i}`, '')
  if (manner === 'urgent as ftplib') relay = await startUrgentRelay(gateway.port, 'ftplib')
  if (manner === 'urgent as lftp') relay = await startUrgentRelay(gateway.port, 'lftp')
  if (manner === 'urgent as bsd') relay = await startUrgentRelay(gateway.port, 'bsd')
  if (!relay) {
    const client = await gateway.logIn()
    if (security === 'TLS') await client.dialogue('> PBSZ 0', '< 200', '> PROT P', '< 200')
    return client
  }
  const client = await Dialogue.connect({ port: relay.port, tls: 'off', certificate: '' })
  await client.dialogue('< 220', '> USER test', '< 331', '> PASS secret', '< 230', '> TYPE I', '< 200')
  return client
}

const abor = ([, manner]: Manner) => (manner === 'behind Telnet commands' ? '> \xff\xf4\xff\xf2ABOR' : '> ABOR')

async function dataPort(client: Dialogue): Promise<Socket> {
  const [epsv] = await client.dialogue('> EPSV', '< 229')
  const port = Number(/\|\|\|(\d+)\|/.exec(epsv?.lines[0] ?? '')?.[1])
  const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

/** Bytes have gone over the data connection, and more would. */
async function underWay(data: Socket, verb: string, [security]: Manner): Promise<void> {
  const stream = security === 'TLS' ? connectTls({ socket: data, rejectUnauthorized: false }) : data
  stream.on('error', () => {})
  if (security === 'TLS') await once(stream, 'secureConnect')
  if (verb === 'STOR') stream.write('half of it')
  else {
    await once(stream, 'readable')
    expect(stream.read(1)).not.toBeNull()
  }
}

/** Holds listings back after their first entries, so that they are under way when ABOR comes. */
function holdListings(): () => void {
  let batches = 0
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  gateway.backend.before = (operation) => (operation === 'batch' && ++batches > 1 ? gate : undefined)
  return release
}

/** That nothing but what was expected has been answered, and that the session goes on. */
async function goesOn(client: Dialogue): Promise<void> {
  await client.dialogue('> NOOP', '< 200', '> PWD', '< 257', '> QUIT', '< 221')
  await client.closed()
  expect(gateway.backend.content('/f')?.length).toBe(size)
}

describe.each(manners)('T12: ABOR, %s, %s', (...manner) => {
  describe.each(['STOR f', 'RETR f', 'LIST'])('%s', (line) => {
    const verb = line.slice(0, 4)

    test('waiting for its data connection: 426, then 226', async () => {
      const client = await logIn(manner)
      await client.dialogue('> EPSV', '< 229', `> ${line}`, '< 150', abor(manner), '< 426', '< 226')
      await goesOn(client)
    })

    test('F09 ABOR, in the clear, urgent or within TLS, of an upload, a download or a listing under way: 426, then 226', async () => {
      const client = await logIn(manner)
      const release = holdListings()
      const data = await dataPort(client)
      await client.dialogue(`> ${line}`, '< 150')
      if (verb !== 'LIST') await underWay(data, verb, manner)
      await client.dialogue(abor(manner), '< 426', '< 226')
      release()
      await goesOn(client)
    })
  })

  test('with nothing to abort: 225', async () => {
    const client = await logIn(manner)
    await client.dialogue(abor(manner), '< 225')
    await goesOn(client)
  })

  test('with a data connection that is not used yet: 225, and it is closed', async () => {
    const client = await logIn(manner)
    const data = await dataPort(client)
    await client.dialogue(abor(manner), '< 225')
    if (!data.closed) await once(data.resume(), 'close')
    await client.dialogue('> LIST', '< 425')
    await goesOn(client)
  })
})

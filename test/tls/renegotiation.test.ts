import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { testTls } from '../support/data-channel.ts'

test.each(['control', 'upload', 'download'] as const)(
  'a client cannot renegotiate on a %s connection of TLS 1.2',
  async (kind) => {
    const secureContext = (await testTls()).newSession({ reuse: 'prefer' })[kind]
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const { port } = server.address() as AddressInfo
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
    const [raw] = await accepted
    const socket = new TLSSocket(raw, { isServer: true, secureContext })
    const refusals: Error[] = []
    for (const end of [client, socket]) end.on('error', (error) => refusals.push(error))
    try {
      await Promise.all([once(client, 'secureConnect'), once(socket, 'secure')])
      const renegotiated = new Promise<Error | null>((done) => client.renegotiate({ rejectUnauthorized: false }, done))
      const outcome = await Promise.race([renegotiated, once(client, 'error').then(([error]) => error as Error)])
      expect(String(outcome)).toMatch(/no renegotiation/i)
    } finally {
      client.destroy()
      socket.destroy()
      server.close()
    }
  },
)

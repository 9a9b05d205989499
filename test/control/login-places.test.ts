import { afterEach, expect, test } from 'vitest'
import type { PartnerConfig } from '../../src/config/config.ts'
import { createLogIn } from '../../src/partners/log-in.ts'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { MemoryBackend } from '../support/memory-backend.ts'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'

let gateway: MemoryGateway
afterEach(() => gateway.stop())

const passwordHash = await hashPassword('right')
const proof = { kind: 'privateKey', privateKey: 'key', passphrase: undefined } as const

function partner(name: string, places: Partial<PartnerConfig>): PartnerConfig {
  const auth = { mode: 'local', passwordHash, username: 'inside', proof } as const
  return { name, users: [name], certificates: [], auth, backend: 'main', root: undefined, dialect: {}, ...places }
}

async function start(...partners: PartnerConfig[]): Promise<void> {
  const logins = createLogIn({
    partners,
    backends: new Map([['main', new MemoryBackend()]]),
    defaultBackend: 'main',
    backendCharset: 'utf-8',
    parseKey: () => ({ type: 'none' }),
  })
  gateway = await startMemoryGateway({ logins })
}

const logins = () => gateway.events.filter((event) => event.kind === 'login')

test('a right password from elsewhere meets the dialogue, the delay and the count of a wrong one', async () => {
  await start(partner('here', { sources: ['127.0.0.0/8'] }), partner('there', { sources: ['192.0.2.0/24'] }))
  const replies: unknown[] = []
  const seconds: number[] = []
  for (const [user, password] of [
    ['here', 'wrong'],
    ['there', 'right'],
  ]) {
    const client = await gateway.connect()
    await client.dialogue('< 220')
    const startedAt = performance.now()
    await client.send(`USER ${user}`)
    replies.push(await client.reply())
    await client.send(`PASS ${password}`)
    replies.push(await client.reply())
    seconds.push(Math.floor((performance.now() - startedAt) / 1000))
    await client.dialogue('> QUIT', '< 221')
  }
  expect(replies.slice(2)).toEqual(replies.slice(0, 2))
  expect(replies[3]).toMatchObject({ code: 530 })
  for (const each of seconds) expect(each).toBeGreaterThanOrEqual(1)
  expect(logins()).toMatchObject([
    { partner: 'here', outcome: 'bad_password', reason: 'wrong password for partner here' },
    { partner: 'there', outcome: 'bad_password', reason: 'users of partner there may not log in from 127.0.0.1' },
  ])
})

test('users log in from where they belong', async () => {
  await start(partner('here', { sources: ['127.0.0.1'], listeners: ['test'] }))
  const client = await gateway.connect()
  await client.dialogue('< 220', '> USER here', '< 331', '> PASS right', '< 230', '> QUIT', '< 221')
  expect(logins()).toMatchObject([{ partner: 'here', outcome: 'ok' }])
})

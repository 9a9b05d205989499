import { afterEach, describe, expect, test } from 'vitest'
import { type RelayGateway, type RelayGatewayOptions, startRelayGateway } from '../support/relay-gateway.ts'
import type { Script } from '../support/scripted-server.ts'

let relay: RelayGateway
afterEach(async () => {
  await relay.stop()
})

async function start(options: RelayGatewayOptions = {}): Promise<RelayGateway> {
  relay = await startRelayGateway(options)
  return relay
}

/** A script that has one answer, to one line. */
function answering(line: string, answer: string) {
  return (came: string) => (came === line ? answer : undefined)
}

async function greeted() {
  const client = await relay.gateway.connect()
  await client.dialogue('< 220')
  await client.secure()
  return client
}

describe('A relayed login', () => {
  test('has the old server’s own answer, line for line', async () => {
    await start({ old: { script: answering('PASS secret', '230-Welcome,\r\n   joe.\r\n230-\r\n230 Quota: 7%\r\n') } })
    const client = await greeted()
    const [, welcome] = await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 230')
    expect(welcome?.lines).toEqual(['230-Welcome,', '   joe.', '230-', '230 Quota: 7%'])
  })

  test('sends name and password as they came, and protects data connections', async () => {
    await start()
    const client = await greeted()
    await client.dialogue('> USER J\xf6rg @x', '< 331', '> PASS  a b\xe9 ', '< 230')
    expect(relay.old.lines).toEqual(['AUTH TLS', 'USER J\xf6rg @x', 'PASS  a b\xe9 ', 'PBSZ 0', 'PROT P', 'PWD'])
  })

  test('that the old server refuses is refused in its words', async () => {
    await start({ old: { script: answering('PASS secret', '530-No.\r\n530 Call 555-0123.\r\n') } })
    const client = await greeted()
    const [, no] = await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 530')
    expect(no?.lines).toEqual(['530-No.', '530 Call 555-0123.'])
    expect(relay.events).toContainEqual(expect.objectContaining({ kind: 'login', outcome: 'bad_password' }))
    expect(JSON.stringify(relay.events)).not.toContain('secret')
  })

  test('needs no password where the old server wants none', async () => {
    await start({ old: { script: answering('USER joe', '230 Come in\r\n') } })
    const client = await greeted()
    await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 230 Come in')
    expect(relay.old.lines).not.toContain('PASS secret')
  })

  test('that wants an account is refused', async () => {
    await start({ old: { script: answering('PASS secret', '332 Account?\r\n') } })
    const client = await greeted()
    await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 530 This login needs an account')
  })

  test('is told of an old server that is full in its words, and the connection ends', async () => {
    await start({ old: { greeting: '421 Too many users\r\n' } })
    const client = await greeted()
    await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 421 Too many users')
    await client.closed()
  })

  test('meets 421 where nobody is there', async () => {
    await start({ port: 1 })
    const client = await greeted()
    await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 421 Service not available')
    const told = { kind: 'backendConnection', backend: 'old', outcome: 'refused' }
    expect(relay.events).toContainEqual(expect.objectContaining(told))
  })

  test('meets 421 where the old server does not answer in time', async () => {
    await start({ old: { script: answering('USER joe', '') }, timeouts: { loginMs: 300 } })
    const client = await greeted()
    await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 421 Service not available')
    expect(relay.events).toContainEqual(expect.objectContaining({ kind: 'backendConnection', outcome: 'timeout' }))
  })

  test('says OPTS UTF8 again, which the client has said to us before', async () => {
    await start()
    const client = await greeted()
    await client.dialogue('> OPTS UTF8 ON', '< 200', '> USER joe', '< 331', '> PASS secret', '< 230')
    expect(relay.old.lines).toContain('OPTS UTF8 ON')
  })
})

describe('A relayed command', () => {
  test('passes as it is, whatever it is, and so does its answer', async () => {
    const odd = '299-\tOdd\r\n 550 not the end\r\n\r\n299 \xe4\xff\xffnd \r\n'
    await start({ old: { script: answering('XFOO  a  \xff\xffb ', odd) } })
    const client = await relay.logIn()
    const [answer] = await client.dialogue('> xfoo  a  \xff\xffb ', '< 299')
    expect(answer?.lines).toEqual(['299-\tOdd', ' 550 not the end', '', '299 \xe4\xff\xffnd '])
  })

  test('may have preliminary answers', async () => {
    await start({ old: { script: answering('SITE SLOW', '150-Wait\r\n150 a little\r\n200 Done\r\n') } })
    const client = await relay.logIn()
    await client.dialogue('> SITE SLOW', '< 150', '< 200 Done')
  })

  test.each(['AUTH TLS', 'PBSZ 0', 'PROT P', 'PASV', 'EPSV', 'HOST a', 'ADAT x', 'ACCT a', 'REIN', 'USER a', 'CPSV'])(
    'is answered here where it is about this connection: %s',
    async (line) => {
      await start()
      const client = await relay.logIn()
      const before = relay.old.lines.length
      await client.send(line)
      expect((await client.reply()).lines[0]).not.toContain('500 What?')
      expect(relay.old.lines).toHaveLength(before)
    },
  )

  test('PORT and EPRT stay here, too', async () => {
    await start()
    const client = await relay.logIn()
    const before = relay.old.lines.length
    await client.dialogue('> PORT 127,0,0,1,200,10', '< 200', '> EPRT |1|127.0.0.1|50001|', '< 200')
    expect(relay.old.lines).toHaveLength(before)
  })

  test('FEAT shows what the old server has and can be relayed', async () => {
    const theirs = '211-Old features:\r\n AUTH TLS\r\n CCC\r\n MDTM\r\n MLST size*;\r\n211 That is all\r\n'
    await start({ old: { script: answering('FEAT', theirs) } })
    const client = await relay.logIn()
    const [features] = await client.dialogue('> FEAT', '< 211')
    const ours = [' AUTH TLS', ' PBSZ', ' PROT', ' PASV', ' EPSV', ' EPRT']
    expect(features?.lines).toEqual(['211-Old features:', ' MDTM', ' MLST size*;', ...ours, '211 That is all'])
  })

  test('QUIT ends both connections', async () => {
    await start()
    const client = await relay.logIn()
    await client.dialogue('> QUIT', '< 221 Goodbye.')
    await client.closed()
    await expect.poll(() => relay.old.lines.at(-1)).toBe('QUIT')
  })

  test('shows no new password of SITE PSWD to any log', async () => {
    await start({ old: { script: (line) => (line.startsWith('SITE') ? '200 Changed\r\n' : undefined) } })
    const client = await relay.logIn()
    await client.dialogue('> SITE PSWD old-canary new-canary', '< 200')
    expect(JSON.stringify(relay.events)).not.toContain('canary')
  })
})

describe('An old server that goes away', () => {
  test('with a word takes its client along with that word', async () => {
    await start()
    const client = await relay.logIn()
    relay.old.client.say('421 Idle for too long\r\n')
    await client.dialogue('< 421 Idle for too long')
    await client.closed()
  })

  test('without a word takes its client along with 421', async () => {
    await start()
    const client = await relay.logIn()
    relay.old.client.leave()
    await client.dialogue('< 421 Service not available, the connection to the file server was lost.')
    await client.closed()
  })

  test('instead of an answer is 421', async () => {
    const script: Script = (line, server) => {
      if (line !== 'NOOP') return undefined
      server.leave()
      return null
    }
    await start({ old: { script } })
    const client = await relay.logIn()
    await client.dialogue('> NOOP', '< 421')
    await client.closed()
  })

  test('or does not answer in time is 421', async () => {
    await start({ old: { script: answering('NOOP', '') }, timeouts: { replyMs: 300 } })
    const client = await relay.logIn()
    await client.dialogue('> NOOP', '< 421')
  })

  test('says more than it was asked, and the next answer is still the right one', async () => {
    await start({ old: { script: answering('NOOP', '200 One\r\n200 Two\r\n') } })
    const client = await relay.logIn()
    await client.dialogue('> NOOP', '< 200 One', '> SYST', '< 500 What?')
  })

  test('or never ends its answer is 421', async () => {
    await start({ old: { script: answering('NOOP', `200-${'x'.repeat(10_000)}`) } })
    const client = await relay.logIn()
    await client.dialogue('> NOOP', '< 421')
  })
})

describe('TLS to the old server', () => {
  test('accepts no words in the clear behind AUTH', async () => {
    await start({ old: { injected: '331 Injected\r\n' } })
    const client = await greeted()
    await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 421')
    expect(relay.old.lines).toEqual(['AUTH TLS'])
  })

  test('is not given up where the server has none', async () => {
    await start({ old: { script: (line) => (line.startsWith('AUTH') ? '502 No TLS\r\n' : undefined) } })
    const client = await greeted()
    await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 421')
    expect(relay.old.lines).toEqual(['AUTH TLS', 'AUTH SSL'])
  })

  test.each([
    ['nobody vouches for its certificate', { verify: true }],
    ['its certificate is none of those known', { verify: true, fingerprints: [`SHA256:${'00:'.repeat(31)}00`] }],
  ])('ends where %s, before the password', async (_, tls) => {
    await start({ tls })
    const client = await greeted()
    await client.dialogue('> USER joe', '< 331', '> PASS secret', '< 421')
    expect(relay.old.lines).toEqual(['AUTH TLS'])
    const told = { kind: 'backendConnection', outcome: 'host_key', reason: expect.stringContaining('SHA256:') }
    expect(relay.events).toContainEqual(expect.objectContaining(told))
  })

  test.each(['implicit', 'off'] as const)('may be %s', async (tls) => {
    await start({ old: { tls } })
    await relay.logIn()
    expect(relay.old.lines.at(0)).toBe('USER joe')
    expect(relay.old.lines.includes('PROT P')).toBe(tls === 'implicit')
  })
})

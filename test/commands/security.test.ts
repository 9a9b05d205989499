import { describe, expect, test } from 'vitest'
import { defaultFacts } from '../../src/ftp/facts.ts'
import { FakeSession } from '../support/fake-session.ts'

describe('AUTH', () => {
  test.each([
    ['TLS', 'C'],
    ['tls-c', 'C'],
    ['SSL', 'P'],
    ['TLS-P', 'P'],
  ])('%s secures the connection and starts with PROT %s', async (mechanism, protection) => {
    const session = new FakeSession()
    expect(await session.run(`AUTH ${mechanism}`)).toMatchObject({ code: 234, afterwards: 'secure' })
    expect(session.protection).toBe(protection)
  })

  test('forgets what was said in the clear', async () => {
    const session = new FakeSession()
    await session.run('USER anna')
    await session.run('OPTS MLST type;')
    Object.assign(session, { type: 'I', restartAt: 5, declaredSize: 5, renameFrom: '/x', epsvOnly: true })
    await session.run('AUTH TLS')
    expect(session).toMatchObject({ type: 'A', restartAt: 0, epsvOnly: false, facts: defaultFacts })
    expect([session.username, session.declaredSize, session.renameFrom]).toEqual([undefined, undefined, undefined])
  })

  test.each([
    ['AUTH GSSAPI', 504],
    ['AUTH', 501],
  ])('%s is answered with %i and changes nothing', async (line, code) => {
    const session = new FakeSession()
    await session.run('USER anna')
    expect((await session.run(line)).code).toBe(code)
    expect(session.username).toBe('anna')
  })

  test('is refused where it cannot be or is no longer needed', async () => {
    const session = new FakeSession()
    session.security = 'secure'
    expect((await session.run('AUTH TLS')).code).toBe(503)
    session.security = 'unavailable'
    expect((await session.run('AUTH TLS')).code).toBe(502)
    const late = await FakeSession.loggedIn()
    expect((await late.run('AUTH TLS')).code).toBe(534)
  })
})

describe('PBSZ and PROT', () => {
  test.each(['PBSZ 0', 'PROT P', 'PROT C'])('%s without TLS is out of order', async (line) => {
    expect((await new FakeSession().run(line)).code).toBe(503)
  })

  test.each([
    ['PBSZ 0', 200],
    ['PBSZ 4096', 200],
    ['PBSZ x', 501],
    ['PBSZ', 501],
    ['PROT P', 200],
    ['PROT c', 200],
    ['PROT S', 536],
    ['PROT E', 536],
    ['PROT X', 504],
    ['PROT', 501],
    ['CCC', 534],
    ['ADAT x', 502],
  ])('%s on TLS is answered with %i', async (line, code) => {
    const session = new FakeSession()
    session.security = 'secure'
    expect((await session.run(line)).code).toBe(code)
  })

  test('PROT sets the protection, and C is refused where TLS is required', async () => {
    const session = new FakeSession()
    session.security = 'secure'
    await session.run('PROT P')
    expect(session.protection).toBe('P')
    session.tlsRequired = true
    expect((await session.run('PROT C')).code).toBe(534)
    expect(session.protection).toBe('P')
  })
})

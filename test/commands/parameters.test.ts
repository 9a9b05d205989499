import { describe, expect, test } from 'vitest'
import { changed, usualDialect } from '../../src/ftp/dialect.ts'
import { FakeSession } from '../support/fake-session.ts'

test.each([
  ['TYPE A', 200, 'Type set to A.'],
  ['TYPE I', 200, 'Type set to I.'],
  ['type l 8', 200, 'Type set to I.'],
  ['TYPE E', 504, 'Type not supported, use A or I.'],
  ['TYPE X', 501, 'Syntax: TYPE A|I|L 8'],
  ['STRU F', 200, 'Structure set to F.'],
  ['STRU R', 504, 'Structure not supported, use F.'],
  ['STRU X', 501, 'Syntax: STRU F|R|P'],
  ['MODE S', 200, 'Mode set to S.'],
  ['MODE Z', 504, 'Mode not supported, use S.'],
  ['MODE Q', 501, 'Syntax: MODE S|B|C|Z'],
  ['REST 5000000000', 350, 'Restarting at 5000000000. Send STOR or RETR.'],
  ['REST -1', 501, 'Syntax: REST <bytes>'],
  ['ALLO 100 R 10', 202, 'No storage allocation necessary.'],
  ['ALLO much', 501, 'Syntax: ALLO <bytes> [R <bytes>]'],
  ['OPTS UTF8 ON', 200, 'UTF8 is on.'],
  ['opts utf8 on', 200, 'UTF8 is on.'],
  ['OPTS UTF-8', 200, 'UTF8 is on.'],
  ['OPTS UTF8 NLST', 200, 'UTF8 is on.'],
  ['OPTS UTF8 OFF', 504, 'UTF8 cannot be switched off.'],
  ['OPTS MLST type;size;what;', 200, 'MLST OPTS type;size;'],
  ['OPTS MLST', 200, 'MLST OPTS'],
  ['OPTS MLST type size', 501, 'Syntax: OPTS MLST <fact>;<fact>;'],
  ['OPTS HASH', 200, 'SHA-256'],
  ['OPTS HASH sha-1', 200, 'SHA-1'],
  ['OPTS HASH SHA-3', 504, 'Unknown algorithm.'],
  ['OPTS MODE Z LEVEL 6', 501, 'Option not understood.'],
  ['OPTS', 501, 'Syntax: OPTS UTF8 ON|MLST <facts>|MODE Z LEVEL <0-9>|HASH [<algorithm>]'],
])('%s is answered with %i %s', async (line, code, text) => {
  const session = await FakeSession.loggedIn()
  expect(await session.run(line)).toEqual({ code, lines: [text] })
})

describe('where the dialect offers them', () => {
  test.each([
    ['TYPE E', 200, 'Type set to E.'],
    ['TYPE E N', 200, 'Type set to E.'],
    ['TYPE E C', 504, 'Type not supported, use A or I.'],
    ['MODE Z', 200, 'Mode set to Z.'],
    ['mode z', 200, 'Mode set to Z.'],
    ['MODE B', 504, 'Mode not supported, use S.'],
    ['MODE C', 504, 'Mode not supported, use S.'],
    ['OPTS MODE Z LEVEL 6', 200, 'MODE Z LEVEL set to 6.'],
    ['opts mode z level 0', 200, 'MODE Z LEVEL set to 0.'],
    ['OPTS MODE Z LEVEL 10', 501, 'Syntax: OPTS MODE Z LEVEL <0-9>'],
    ['OPTS MODE Z', 501, 'Syntax: OPTS MODE Z LEVEL <0-9>'],
  ])('%s is answered with %i %s', async (line, code, text) => {
    const session = await FakeSession.loggedIn()
    session.dialect = changed(usualDialect, { commands: { modeZ: true }, ascii: { ebcdic: 'ibm1047' } })
    expect(await session.run(line)).toEqual({ code, lines: [text] })
  })

  test('FEAT tells of MODE Z, and only there', async () => {
    const session = await FakeSession.loggedIn()
    expect((await session.run('FEAT')).lines).not.toContain('MODE Z')
    session.dialect = changed(usualDialect, { commands: { modeZ: true } })
    expect((await session.run('FEAT')).lines).toContain('MODE Z')
    await session.run('MODE Z')
    await session.run('OPTS MODE Z LEVEL 9')
    expect(session).toMatchObject({ mode: 'Z', compressionLevel: 9 })
    await session.run('MODE S')
    expect(session.mode).toBe('S')
  })
})

test('a client whose charset is known may leave UTF-8 and come back', async () => {
  const session = await FakeSession.loggedIn()
  session.legacyCharset = true
  expect(await session.run('OPTS UTF8 OFF')).toEqual({ code: 200, lines: ['UTF8 is off.'] })
  expect(session.utf8).toBe(false)
  expect(await session.run('opts utf8 on')).toEqual({ code: 200, lines: ['UTF8 is on.'] })
  expect(session.utf8).toBe(true)
})

test('parameters are the session’s, until the next transfer where they are for one', async () => {
  const session = await FakeSession.loggedIn()
  await session.run('TYPE A')
  await session.run('REST 10')
  await session.run('ALLO 20')
  await session.run('OPTS MLST Size;')
  expect(session).toMatchObject({ type: 'A', restartAt: 10, declaredSize: 20, facts: new Set(['size']) })
})

describe('data connections', () => {
  test.each([
    ['PASV', 227, 'Entering Passive Mode (198,51,100,7,195,81).'],
    ['P@SW', 227, 'Entering Passive Mode (198,51,100,7,195,81).'],
    ['EPSV', 229, 'Entering Extended Passive Mode (|||50001|)'],
    ['EPSV 1', 229, 'Entering Extended Passive Mode (|||50001|)'],
    ['EPSV 2', 522, 'Network protocol not supported, use (1)'],
    ['EPSV 9', 522, 'Network protocol not supported, use (1)'],
    ['EPSV x', 501, 'Syntax: EPSV [1|2|ALL]'],
    ['PORT 192,0,2,9,200,1', 200, 'PORT command successful.'],
    ['PORT 192,0,2,9', 501, 'Syntax: PORT <h1,h2,h3,h4,p1,p2>'],
    ['EPRT |1|192.0.2.9|51201|', 200, 'EPRT command successful.'],
    ['EPRT |7|192.0.2.9|51201|', 522, 'Network protocol not supported, use (1,2)'],
    ['EPRT |1|x|51201|', 501, 'Syntax: EPRT <|family|address|port|>'],
  ])('%s is answered with %i %s', async (line, code, text) => {
    const session = await FakeSession.loggedIn()
    expect(await session.run(line)).toEqual({ code, lines: [text] })
  })

  test.each(['PORT 192,0,2,9,200,1', 'EPRT |1|192.0.2.9|51201|'])('%s tells where to connect', async (line) => {
    const session = await FakeSession.loggedIn()
    await session.run(line)
    expect(session.connectedTo).toEqual({ host: '192.0.2.9', port: 51_201 })
  })

  test.each([
    ['2001:db8::5', 'EPSV 2', 229],
    ['2001:db8::5', 'EPSV 1', 522],
    ['::ffff:192.0.2.9', 'EPSV 1', 229],
  ])('from %s, %s is answered with %i', async (address, line, code) => {
    const session = await FakeSession.loggedIn()
    session.clientAddress = address
    expect((await session.run(line)).code).toBe(code)
  })

  test('PORT and EPRT are 502 where active mode is off, and FEAT has no EPRT', async () => {
    const session = await FakeSession.loggedIn()
    expect((await session.run('FEAT')).lines).toContain('EPRT')
    session.dialect = changed(usualDialect, { active: { mode: 'off' } })
    for (const line of ['PORT 192,0,2,9,200,1', 'EPRT |1|192.0.2.9|51201|']) {
      expect((await session.run(line)).code, line).toBe(502)
    }
    expect((await session.run('FEAT')).lines).not.toContain('EPRT')
    expect(session.connectedTo).toBeUndefined()
    expect((await session.run('EPSV')).code).toBe(229)
  })

  test('after EPSV ALL only EPSV opens one', async () => {
    const session = await FakeSession.loggedIn()
    expect((await session.run('EPSV ALL')).code).toBe(200)
    for (const line of ['PASV', 'PORT 192,0,2,9,200,1', 'EPRT |1|192.0.2.9|51201|']) {
      expect((await session.run(line)).code).toBe(500)
    }
    expect(session.connectedTo).toBeUndefined()
    expect((await session.run('EPSV')).code).toBe(229)
  })
})

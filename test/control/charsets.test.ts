import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { fromText } from '../../src/ftp/bytes.ts'
import { type CharsetName, charsetOf } from '../../src/ftp/charset.ts'
import type { Dialogue } from '../support/dialogue.ts'
import { type MemoryGateway, type MemoryGatewayOptions, startMemoryGateway } from '../support/memory-gateway.ts'

let gateway: MemoryGateway
let client: Dialogue
afterEach(async () => {
  client.close()
  await gateway.stop()
  expect(gateway.backend.openHandles).toBe(0)
  expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
})

async function logIn(options: MemoryGatewayOptions): Promise<void> {
  gateway = await startMemoryGateway({ tls: 'explicit', ...options })
  client = await gateway.logIn()
  if (options.tls !== 'off') await client.dialogue('> PROT P', '< 200')
}
const latin = { names: { charset: 'windows-1252' } } as const

function add(...names: readonly string[]): void {
  for (const name of names) gateway.backend.tree.addFile(fromText(`/${name}`), name)
}
async function listing(command: string): Promise<string> {
  const { code, content } = await client.transfer(command)
  expect(code).toBe(226)
  return content.toString('latin1')
}
function has(name: string): boolean {
  return gateway.backend.tree.peek(fromText(`/${name}`)) !== undefined
}
const lost = () => gateway.events.flatMap((event) => (event.kind === 'namesLost' ? [event] : []))

describe('A client with windows-1252 in front of a backend with UTF-8', () => {
  test('says every name in its own bytes, and is told it in them', async () => {
    await logIn({ partner: latin })
    await client.dialogue(
      '> MKD Gr\xf6\xdfe',
      '< 257 "/Gr\xf6\xdfe" created.',
      '> CWD Gr\xf6\xdfe',
      '< 250',
      '> PWD',
      '< 257 "/Gr\xf6\xdfe" is the current directory.',
    )
    expect((await client.transfer('STOR \x80', Buffer.from('text'))).code).toBe(226)
    expect(gateway.backend.content(fromText('/Größe/€'))?.toString()).toBe('text')
    expect((await client.transfer('RETR \x80')).content.toString()).toBe('text')
    expect(await listing('NLST')).toBe('\x80\r\n')
    expect(await listing('NLST /Gr\xf6*')).toBe('/Gr\xf6\xdfe\r\n')
    expect(await listing('LIST')).toMatch(/ \x80\r\n$/)
    expect(await listing('MLSD')).toMatch(/; \x80\r\n$/)
    const { replies } = await client.transfer('STOU \xdcbung', Buffer.from('x'))
    expect(replies[0]?.lines[0]).toBe('150 FILE: \xdcbung')
    await client.dialogue(
      '> MLST \x80',
      '< 250',
      '> STAT /Gr\xf6\xdfe',
      '< 212',
      '> SIZE \x80',
      '< 213 4',
      '> MFMT 20200102030405 \x80',
      '< 213 Modify=20200102030405; \x80',
      '> SITE CHMOD 600 \x80',
      '< 200',
      '> RNFR \x80',
      '< 350',
      '> RNTO \xc4',
      '< 250',
      '> DELE \xc4',
      '< 250',
      '> CDUP',
      '< 250',
      '> DELE Gr\xf6\xdfe/\xdcbung',
      '< 250',
      '> RMD Gr\xf6\xdfe',
      '< 250',
    )
    expect(client.transcript.join('\n')).toContain('\xdcbung')
    expect(lost()).toEqual([])
  })

  test('may use the letter 0xFF, once or doubled as Telnet wants it', async () => {
    await logIn({ tls: 'off', partner: latin })
    await client.dialogue('> MKD \xffa\xff', '< 257 "/\xffa\xff"', '> MKD b\xff\xff', '< 257 "/b\xff"')
    expect([has('ÿaÿ'), has('bÿ')]).toEqual([true, true])
    client.writeRaw(Buffer.from('\xff\xf4\xff\xf2ABOR\r\n', 'latin1'))
    await client.dialogue('< 225')
    client.writeRaw(Buffer.from('\xff\xf4\xffABOR\r\n', 'latin1'))
    await client.dialogue('< 225')
  })

  test('sees ? for letters that it does not have, and once per listing the operator is told how many', async () => {
    await logIn({ partner: latin })
    add('Ж.txt', 'Щ.txt', 'ö.txt')
    expect(await listing('NLST')).toBe('\xf6.txt\r\n?.txt\r\n?.txt\r\n')
    expect(lost()).toMatchObject([{ names: 2, charset: 'windows-1252', path: '/' }])
  })

  test.each([
    ['RETR ?.txt'],
    ['STOR ?.txt'],
    ['APPE ?.txt'],
    ['STOU ?.txt'],
    ['DELE ?.txt'],
    ['SIZE ?.txt'],
    ['RNFR ?.txt'],
    ['MKD ?.txt'],
    ['CWD ?.d'],
    ['RETR ?.d/a'],
    ['STOR /?.d/b'],
    ['MFMT 20200102030405 ?.txt'],
    ['SITE CHMOD 600 ?.txt'],
  ])('cannot send back what only stands for a name: %s is answered 550 and does nothing', async (command) => {
    await logIn({ partner: latin })
    add('Ж.txt', 'Щ.txt', 'Ж.d/a')
    const before = JSON.stringify([...gateway.backend.tree.root.children.keys()])
    const { code } = await (/^(RETR|STOR|APPE|STOU)/.test(command)
      ? client.transfer(command, Buffer.from('new'))
      : client.dialogue(`> ${command}`, '< 550').then(([reply]) => reply ?? { code: 0 }))
    expect(code).toBe(550)
    expect(JSON.stringify([...gateway.backend.tree.root.children.keys()])).toBe(before)
    expect(gateway.backend.content(fromText('/Ж.txt'))?.toString()).toBe('Ж.txt')
  })

  test('cannot rename a file to what stands for another', async () => {
    await logIn({ partner: latin })
    add('Ж', 'a')
    await client.dialogue('> RNFR a', '< 350', '> RNTO ?', '< 550')
    expect([has('Ж'), has('a'), has('?')]).toEqual([true, true, false])
  })

  test('may use ? where it stands for nothing else', async () => {
    await logIn({ partner: latin })
    add('Жa', 'really?')
    expect((await client.transfer('RETR really?')).content.toString()).toBe('really?')
    await client.dialogue('> MKD ?', '< 257 "/?"', '> CWD ?', '< 250', '> MKD ?', '< 257 "/?/?"')
  })

  test.each([
    ['Ж', '?'],
    ['?', 'Ж'],
  ])(
    'a real ? that looks like another name is out of reach as long as there is that other (%s, %s)',
    async (...all) => {
      await logIn({ partner: latin })
      add(...all)
      await client.dialogue('> DELE ?', '< 550')
      gateway.backend.tree.root.children.delete(fromText('Ж'))
      await client.dialogue('> DELE ?', '< 250')
    },
  )

  test('is refused bytes that are no text, and nothing is done', async () => {
    await logIn({ partner: latin })
    await client.dialogue('> MKD a\x81', '< 553', '> CWD \x81', '< 553', '> PWD', '< 257 "/"')
    expect((await client.transfer('STOR a\x81', Buffer.from('x'))).code).toBe(553)
    expect(gateway.backend.tree.root.children.size).toBe(0)
  })

  test('is shown ? for names that are not UTF-8, and cannot reach them', async () => {
    await logIn({ partner: latin })
    gateway.backend.tree.addFile('/Gr\xf6\xdfe')
    expect(await listing('NLST')).toBe('Gr??e\r\n')
    await client.dialogue('> DELE Gr??e', '< 550', '> DELE Gr\xf6\xdfe', '< 550')
    expect(gateway.backend.tree.peek('/Gr\xf6\xdfe')).toBeDefined()
  })

  test('sees where a link points, although the link has a name that it cannot be shown', async () => {
    await logIn({ partner: latin })
    add('ziel')
    gateway.backend.tree.addLink(fromText('/Ж'), 'ziel')
    expect(await listing('LIST')).toMatch(/\r\nl.* \? -> ziel\r\n$/)
  })

  test('with OPTS UTF8 ON writes UTF-8, and with OFF windows-1252 again', async () => {
    await logIn({ partner: latin })
    add('ö', 'Ж')
    await client.dialogue('> OPTS UTF8 ON', '< 200')
    expect(await listing('NLST')).toBe(fromText('ö\r\nЖ\r\n'))
    await client.dialogue(`> SIZE ${fromText('Ж')}`, '< 213', '> OPTS UTF8 OFF', '< 200', '> SIZE \xf6', '< 213')
    await client.dialogue('> FEAT', '< 211')
    expect(lost()).toEqual([])
  })
})

test('OPTS UTF8 ON before the login counts after it; OFF again brings the charset and its care back', async () => {
  gateway = await startMemoryGateway({ partner: latin })
  client = await gateway.connect()
  await client.dialogue('< 220', '> OPTS UTF8 ON', '< 200', '> USER test', '< 331', '> PASS secret', '< 230')
  await client.dialogue('> MKD \xc3\xbc', '< 257 "/\xc3\xbc"', '> OPTS UTF8 OFF', '< 200', '> RMD \xfc', '< 250')
  add('Ж')
  await client.dialogue('> DELE ?', '< 550', '> MKD ?', '< 550')
})

test('OPTS UTF8 ON in the clear is forgotten with AUTH TLS', async () => {
  gateway = await startMemoryGateway({ tls: 'explicit', partner: latin })
  client = await gateway.connect()
  await client.dialogue('< 220', '> OPTS UTF8 ON', '< 200')
  await client.secure()
  await client.dialogue('> USER test', '< 331', '> PASS secret', '< 230', '> MKD \xfc', '< 257 "/\xfc"')
  expect(has('ü')).toBe(true)
})

test('what was not reported during a session is reported at its end', async () => {
  await logIn({ partner: latin })
  add('Ж')
  await listing('NLST')
  await listing('NLST')
  expect(lost()).toHaveLength(1)
  await client.dialogue('> QUIT', '< 221')
  await client.closed()
  await gateway.server.stop(0)
  expect(lost()).toMatchObject([{ names: 1 }, { names: 1 }])
})

test('without a charset of its own a client passes bytes as they are, and OPTS UTF8 OFF is refused', async () => {
  await logIn({})
  await client.dialogue('> OPTS UTF8 OFF', '< 504', '> MKD Gr\xf6\xdfe', '< 257 "/Gr\xf6\xdfe"')
  gateway.backend.tree.addFile(fromText('/Ж'))
  expect(await listing('NLST')).toBe(`Gr\xf6\xdfe\r\n${fromText('Ж')}\r\n`)
  expect(lost()).toEqual([])
})

test.each([
  ['as it is', {}, fromText('Größe €')],
  ['in windows-1252', latin, 'Gr\xf6\xdfe \x80'],
] as const)('STAT shows the name of a running transfer %s', async (_, partner, name) => {
  await logIn({ tls: 'off', partner })
  await client.dialogue(
    '> EPSV',
    '< 229',
    `> STOR ${name}`,
    '< 150',
    '> STAT',
    `< 211 Transfer: STOR /${name}, 0 bytes`,
  )
  await client.dialogue('> ABOR', '< 426', '< 226')
})

test('a user name that is not ASCII is no name of a file: STAT shows it, and nothing is reported', async () => {
  gateway = await startMemoryGateway({ partner: latin })
  client = await gateway.connect()
  await client.dialogue('< 220', '> USER M\xfcller', '< 331', '> PASS secret', '< 230')
  await client.dialogue('> STAT', '< 211 Logged in as M\xfcller')
  expect(lost()).toEqual([])
})

test('names from macOS are composed where that is configured', async () => {
  await logIn({ partner: { names: { normalize: 'nfc' } } })
  await client.dialogue(`> MKD ${fromText('u\u0308')}`, `< 257 "/${fromText('ü')}"`, '> MKD \xf6', '< 257 "/\xf6"')
})

test('a client with UTF-8 sees names of a backend with cp850, whose own charset no client has to know', async () => {
  await logIn({ dialect: { names: { backendCharset: 'cp850' } } })
  gateway.backend.tree.addFile('/Gr\x94\xe1e')
  expect(await listing('NLST')).toBe(fromText('Größe\r\n'))
  await client.dialogue(
    `> DELE ${fromText('Größe')}`,
    '< 250',
    '> MKD \xf6',
    '< 553',
    `> MKD ${fromText('Ж')}`,
    '< 553',
  )
  await client.dialogue('> OPTS UTF8 OFF', '< 504')
})

test('a backslash, bracket or brace for a second byte of Shift JIS is a part of its letter, in patterns too', async () => {
  await logIn({ partner: { names: { charset: 'shift_jis' } } })
  // 表 is 95 5C, ソ 83 5C, ゼ 83 5B, 本 96 7B.
  add('表/ソ.txt', '表/ゼ.txt', '本.txt')
  expect(await listing('NLST \x95\x5c')).toBe('\x95\x5c/\x83\x5b.txt\r\n\x95\x5c/\x83\x5c.txt\r\n')
  expect(await listing('NLST \x95\x5c/\x83\x5c*')).toBe('\x95\x5c/\x83\x5c.txt\r\n')
  expect(await listing('NLST \x96\x7b*')).toBe('\x96\x7b.txt\r\n')
  await client.dialogue('> CWD \x95\x5c', '< 250', '> PWD', '< 257 "/\x95\x5c"', '> DELE \x83\x5b.txt', '< 250')
  await client.dialogue('> CWD \x95', '< 553', '> DELE \x83\x5c.txt', '< 250', '> RMD /\x95\x5c', '< 250')
})

const forbidden = /[\0\r\n/\x7f]|^\.{1,2}$|^~$|^-|^ | $/

test.each<[CharsetName, CharsetName]>([
  ['windows-1252', 'utf-8'],
  ['windows-1251', 'utf-8'],
  ['iso-8859-15', 'cp850'],
  ['cp437', 'utf-8'],
  ['shift_jis', 'utf-8'],
  ['gb18030', 'utf-8'],
  ['utf-8', 'shift_jis'],
])('any name in %s is stored in %s, listed in the same bytes, and read by them', async (charset, backendCharset) => {
  await logIn({ partner: { names: { charset, backendCharset } }, dialect: { names: { backendCharset } } })
  const [mine, theirs] = [charsetOf(charset), charsetOf(backendCharset)]
  const letters = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code)).filter(
    (letter) => mine.encode(letter) !== undefined && theirs.encode(letter) !== undefined,
  )
  const name = fc
    .array(fc.constantFrom(...letters), { minLength: 1, maxLength: 20 })
    .map((letters) => letters.join(''))
    .filter((name) => !forbidden.test(name) && mine.encode(name) !== undefined && theirs.encode(name) !== undefined)
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 3 }), async (names) => {
      gateway.backend.tree.root.children.clear()
      for (const name of names) {
        const sent = (mine.encode(name) ?? '').replaceAll('\xff', '\xff\xff')
        expect((await client.transfer(`STOR ${sent}`, Buffer.from(name))).code).toBe(226)
        expect(gateway.backend.content(`/${theirs.encode(name)}`)?.toString()).toBe(name)
      }
      const listed = (await listing('NLST')).split('\r\n').slice(0, -1)
      expect(listed.sort()).toEqual(names.map((name) => mine.encode(name)).sort())
      for (const bytes of listed) {
        const { content } = await client.transfer(`RETR ${bytes.replaceAll('\xff', '\xff\xff')}`)
        expect(content.toString()).toBe(mine.decode(bytes))
      }
    }),
    { numRuns: 8 },
  )
})

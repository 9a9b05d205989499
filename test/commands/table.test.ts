import { expect, test } from 'vitest'
import { commands } from '../../src/commands/index.ts'
import { changed, type DialectChanges, usualDialect } from '../../src/ftp/dialect.ts'
import { serialise } from '../../src/ftp/reply.ts'
import { FakeSession } from '../support/fake-session.ts'

/** RFC 5797 section 3, the registry of FTP commands, and HOST (RFC 7151). */
const registry = `ABOR ACCT ADAT ALLO APPE AUTH CCC CDUP CONF CWD DELE ENC EPRT EPSV FEAT HELP HOST LANG LIST LPRT LPSV
  MDTM MIC MKD MLSD MLST MODE NLST NOOP OPTS PASS PASV PBSZ PORT PROT PWD QUIT REIN REST RETR RMD RNFR RNTO SITE SIZE
  SMNT STAT STOR STOU STRU SYST TYPE USER XCUP XCWD XMKD XPWD XRMD`.split(/\s+/)

test.each(registry)('%s is known', (verb) => {
  expect(commands.has(verb)).toBe(true)
})

test('every verb is upper case and declared once', () => {
  const verbs = [...new Set(commands.values())].flatMap(({ verbs }) => verbs)
  expect(new Set(verbs).size).toBe(verbs.length)
  expect(verbs.every((verb) => /^[A-Z0-9@]{3,8}$/.test(verb))).toBe(true)
})

test('commands that touch files or data connections need a login', () => {
  const open = [...commands].filter(([, { access }]) => access === 'anyone').map(([verb]) => verb)
  expect(open.filter((verb) => commands.get(verb)?.refused !== true).sort()).toEqual(
    'ACCT AUTH CCC CLNT CSID FEAT HELP HOST LANG NOOP OPTS PBSZ PROT QUIT REIN STAT SYST XNOP'.split(' '),
  )
})

test('only ABOR and STAT run while a transfer does', () => {
  const verbs = [...commands].filter(([, { duringTransfer }]) => duringTransfer === true).map(([verb]) => verb)
  expect(verbs.sort()).toEqual(['ABOR', 'STAT'])
})

test('what carries a secret is marked', () => {
  const verbs = [...commands].filter(([, { secret }]) => secret === true).map(([verb]) => verb)
  expect(verbs).toEqual(expect.arrayContaining(['PASS', 'ACCT', 'ADAT']))
})

test.each([
  ['SMNT x', 502],
  ['REIN', 220],
  ['LPRT 4,4,1', 502],
  ['LPSV', 502],
  ['SPSV', 502],
  ['CPSV', 502],
  ['SSCN', 502],
  ['MFCT 20240101000000 x', 502],
  ['MIC x', 502],
  ['CONF x', 502],
  ['ENC x', 502],
  ['ADAT x', 503],
  ['CCC', 533],
  ['PRET STOR x', 500],
  ['NONSENSE', 500],
])('%s is answered with %i', async (line, code) => {
  expect((await new FakeSession().run(line)).code).toBe(code)
})

test('FEAT lists what the session offers, one line each', async () => {
  const session = new FakeSession()
  expect(serialise(await session.run('FEAT')).split('\r\n')).toEqual([
    '211-Features:',
    ' AUTH TLS',
    ' PBSZ',
    ' PROT',
    ' PASV',
    ' EPSV',
    ' EPRT',
    ' REST STREAM',
    ' UTF8',
    ' MLSD',
    ' MLST type*;size*;modify*;perm*;UNIX.mode*;UNIX.uid;UNIX.gid;UNIX.ownername;UNIX.groupname;',
    ' SIZE',
    ' MDTM',
    ' MFMT',
    ' AVBL',
    ' MFF Modify;UNIX.mode;UNIX.owner;UNIX.group;',
    ' HASH SHA-256*;SHA-512;SHA-1;MD5;CRC32',
    ' XCRC filename;start;end',
    ' XMD5 filename;start;end',
    ' XSHA1 filename;start;end',
    ' XSHA256 filename;start;end',
    ' XSHA512 filename;start;end',
    ' MD5',
    ' TVFS',
    ' CLNT',
    ' CSID',
    ' HOST',
    ' SITE CHMOD;CHOWN;CHGRP;UMASK;UTIME;SYMLINK;LINK;MKDIR;COPY;IDLE;DIRSTYLE',
    '211 End',
    '',
  ])
  session.security = 'unavailable'
  expect((await session.run('FEAT')).lines).not.toEqual(expect.arrayContaining(['AUTH TLS']))
})

test('HELP lists every verb, and marks those that are refused', async () => {
  const session = new FakeSession()
  const { code, lines } = await session.run('HELP')
  const words = lines.slice(1, -1).flatMap((line) => line.split(/ +/))
  expect(code).toBe(214)
  const marked = [...commands].map(([verb, { refused = false }]) => {
    return (typeof refused === 'function' ? refused(session) : refused) ? `${verb}*` : verb
  })
  expect(words).toEqual(marked)
  expect(lines.slice(1, -1).every((line) => line.split(/ +/).length <= 8)).toBe(true)
})

const switches: readonly (readonly [verb: string, on: DialectChanges, off: DialectChanges])[] = [
  ['HASH', { hash: { commands: 'on' } }, { hash: { commands: 'off' } }],
  ['XSHA', { hash: { commands: 'on' } }, { hash: { commands: 'off' } }],
  ['MD5', { hash: { commands: 'on' } }, { hash: { commands: 'off' } }],
  ['RANG', { commands: { rang: true } }, { commands: { rang: false } }],
  ['COMB', { commands: { comb: true } }, { commands: { comb: false } }],
  ['PORT', { active: { mode: 'on' } }, { active: { mode: 'off' } }],
  ['EPRT', { active: { mode: 'on' } }, { active: { mode: 'off' } }],
]
test.each(switches)('HELP marks %s only where it is switched off', async (verb, on, off) => {
  const session = new FakeSession()
  const words = async () => (await session.run('HELP')).lines.flatMap((line) => line.split(/ +/))
  session.dialect = changed(usualDialect, on)
  expect(await words()).toContain(verb)
  session.dialect = changed(usualDialect, off)
  expect(await words()).toContain(`${verb}*`)
  expect((await session.run(`HELP ${verb}`)).lines).toEqual([`${verb} is not implemented.`])
})

test('HELP marks REIN under TLS', async () => {
  const session = new FakeSession()
  session.security = 'secure'
  expect((await session.run('HELP')).lines.join(' ')).toMatch(/ REIN\*/)
})

test.each([
  ['HELP stor', 214, 'Syntax: STOR <path>'],
  ['HELP PASV', 214, 'Syntax: PASV'],
  ['HELP SMNT', 214, 'SMNT is not implemented.'],
  ['HELP XYZ', 502, 'Unknown command XYZ.'],
  ['HELP SITE', 214, 'SITE commands:'],
  ['SYST', 215, 'UNIX Type: L8'],
  ['NOOP', 200, 'OK.'],
  ['LANG', 200, 'Replies are in English.'],
  ['LANG en-US', 200, 'Replies are in English.'],
  ['LANG fr', 504, 'English only.'],
  ['CLNT FileZilla', 200, 'Noted.'],
  ['HOST ftp.example.com', 220, 'Go on.'],
  ['HOST ftp.example.net', 504, 'No such host here; you may go on.'],
  ['HOST ftp.example.com:21', 501, 'Syntax: HOST <name>'],
  ['HOST [2001:db8::1]', 504, 'No such host here; you may go on.'],
  ['STAT', 211, 'FTP server status:'],
  ['STAT x', 530, 'Please log in with USER and PASS.'],
])('%s is answered with %i %s', async (line, code, text) => {
  const answer = await new FakeSession().run(line)
  expect([answer.code, answer.lines[0]]).toEqual([code, text])
})

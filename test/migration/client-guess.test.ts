import { describe, expect, test } from 'vitest'
import { type ClientName, clientGuess } from '../../src/migration/client-guess.ts'
import { countedAs, noteOf, productOf, scriptOf } from '../../src/migration/command-names.ts'

describe('The guess of the client', () => {
  test.each<[ClientName, string, string | undefined]>([
    ['curl', 'AUTH SSL, USER, PASS, PBSZ, PROT, PWD, EPSV, TYPE A, NLST, EPSV, TYPE I, STOR, QUIT', undefined],
    ['curl', 'USER, PASS, PBSZ, PROT, PWD, CWD, EPSV, TYPE I, STOR, QUIT', undefined],
    ['curl', 'USER, PASS, PWD, EPSV, TYPE I, SIZE, RETR', undefined],
    ['lftp', 'FEAT, AUTH TLS, CLNT, HOST, USER, PASS, OPTS, PWD, PBSZ, PROT, PASV, MLSD', 'lftp/4.9.2'],
    ['FileZilla', 'AUTH TLS, USER, PASS, SYST, FEAT, CLNT, OPTS, PBSZ, PROT, PWD', 'FileZilla'],
    ['WinSCP', 'AUTH TLS, USER, PASS, SYST, FEAT, CLNT, OPTS, PBSZ, PROT, PWD', 'WinSCP-release-6.3.5'],
    ['basic-ftp', 'AUTH TLS, OPTS, USER, PASS, FEAT, TYPE I, STRU F, OPTS, OPTS, PBSZ, PROT, EPSV, MLSD', undefined],
    ['.NET FtpWebRequest', 'AUTH TLS, USER, PASS, PBSZ, PROT, OPTS utf8, PWD, TYPE I, PASV, STOR, QUIT', undefined],
    ['Python ftplib', 'AUTH TLS, USER, PASS, PBSZ, PROT, TYPE A, PASV, NLST, QUIT', undefined],
    ['Python ftplib', 'AUTH TLS, USER, PASS, PBSZ, PROT, TYPE I, PASV, STOR, TYPE I, PASV, STOR', undefined],
    ['Java/Apache Commons Net', 'AUTH TLS, USER, PASS, PBSZ, PROT, TYPE I, PASV, STOR, PASV, RETR', undefined],
    ['Java/Apache Commons Net', 'AUTH TLS, USER, PASS, PBSZ, PROT, SYST, PASV, LIST', undefined],
    // One upload of binary data looks the same from both.
    ['unknown', 'AUTH TLS, USER, PASS, PBSZ, PROT, TYPE I, PASV, STOR, QUIT', undefined],
    ['unknown', 'AUTH TLS, USER, PASS, SYST, FEAT, OPTS, PWD', undefined],
    ['unknown', 'USER, PASS', 'Something else'],
    ['unknown', '', undefined],
  ])('is %s for %s', (client, commands, clnt) => {
    expect(clientGuess({ clnt, commands: commands.split(', ') })).toBe(client)
  })
})

describe('A command', () => {
  test.each([
    ['STOR', true, 'a name', 'STOR', 'STOR'],
    ['SITE', true, 'chmod 755 x', 'SITE CHMOD', 'SITE CHMOD'],
    ['SITE', true, 'hunter2', 'SITE other', 'SITE other'],
    ['SITE', true, 'migration', 'SITE MIGRATION', 'SITE MIGRATION'],
    ['LIST', true, '-alR', 'LIST -R', 'LIST -R'],
    ['LIST', true, '-la', 'LIST', 'LIST'],
    ['MODE', true, 'z', 'MODE Z', 'MODE Z'],
    ['XMD5', false, 'name', 'XMD5', 'XMD5'],
    ['HUNTER2', false, '', 'other', 'other'],
    ['TYPE', true, 'i', 'TYPE', 'TYPE I'],
    ['OPTS', true, 'utf8 on', 'OPTS', 'OPTS utf8'],
    ['OPTS', true, 'UTF8 ON', 'OPTS', 'OPTS'],
    ['AUTH', true, 'TLS', 'AUTH', 'AUTH TLS'],
  ])('%s (known: %s) with %j is counted as %s and noted as %s', (verb, known, argument, counted, noted) => {
    expect([countedAs(verb, known, argument), noteOf(verb, known, argument)]).toEqual([counted, noted])
  })

  test('CLNT is kept short and printable', () => {
    expect(productOf(`x\x1b[31m\xe9${'y'.repeat(100)}`)).toBe(`x?[31m?${'y'.repeat(53)}`)
  })
})

test.each([
  ['orders.csv', 'ascii'],
  ['\xc3\xa4', 'utf-8'],
  ['\xe4', 'other'],
])('%j is written in %s', (name, script) => {
  expect(scriptOf(name)).toBe(script)
})

import { beforeEach, describe, expect, test } from 'vitest'
import { FakeSession } from '../support/fake-session.ts'

let session: FakeSession

beforeEach(async () => {
  session = await FakeSession.loggedIn()
  session.backend.tree.addFile('/file', 'text', { mode: 0o644 })
  session.backend.tree.addFile('/two words', 'text', { mode: 0o600 })
  session.backend.tree.addDirectory('/folder')
})

async function code(line: string): Promise<number> {
  return (await session.run(line)).code
}
const attrs = (path: string) => session.backend.tree.find(path).attrs

describe('SITE', () => {
  test.each([
    ['CHMOD 600 file', 200],
    ['CHMOD u+x two words', 200],
    ['CHMOD 888 file', 501],
    ['CHMOD 600', 501],
    ['CHOWN 1001 file', 200],
    ['CHOWN 1001:1002 file', 200],
    ['CHOWN :1002 file', 200],
    ['CHOWN root file', 501],
    ['CHGRP 1002 file', 200],
    ['CHGRP staff file', 501],
    ['UMASK', 200],
    ['UMASK 027', 200],
    ['UMASK 999', 501],
    ['UTIME 202401020304 file', 200],
    ['UTIME 20240102030405 two words', 200],
    ['UTIME two words 20240102030405 20240102030406 20240102030407 UTC', 213],
    ['UTIME 20241302030405 file', 501],
    ['UTIME yesterday file', 501],
    ['SYMLINK file link', 200],
    ['SYMLINK file', 501],
    ['SYMLINK file folder', 550],
    ['LINK file second', 200],
    ['LINK file folder', 550],
    ['MKDIR a/b/c', 257],
    ['MKDIR folder', 550],
    ['RMDIR folder', 502],
    ['IDLE', 200],
    ['IDLE 600', 200],
    ['IDLE 0', 501],
    ['IDLE 7201', 501],
    ['DIRSTYLE', 200],
    ['WHO', 200],
    ['TIME', 211],
    ['VERSION', 200],
    ['HELP', 214],
    ['help CHMOD', 214],
    ['HELP NONSENSE', 502],
    ['SYMLINK "two words" "new link"', 200],
    ['SYMLINK "file', 501],
    ['XLATE=TABLE', 202],
    ['EXEC ls', 500],
    ['NONSENSE', 500],
    ['GROUP x', 502],
    ['RECFM=FB', 202],
    ['FIXrecfm 80 LRECL=80 RECFM=FB', 202],
    ['NAMEFMT 1', 202],
  ])('%s is %i', async (line, expected) => {
    const outcome = code(`SITE ${line}`)
    if (expected === 550) await expect(outcome).rejects.toMatchObject({ kind: 'alreadyExists' })
    else expect(await outcome).toBe(expected)
  })

  test('what is changed is what was asked for', async () => {
    await session.run('SITE CHMOD go-r file')
    await session.run('SITE CHOWN 7:8 file')
    await session.run('SITE CHGRP 9 file')
    await session.run('SITE UTIME two words 20240102030405 20240102030406 20240102030407 UTC')
    expect(attrs('/file')).toMatchObject({ mode: 0o600, uid: 7, gid: 9 })
    expect(attrs('/two words').modified).toBe(Date.UTC(2024, 0, 2, 3, 4, 6) / 1000)
    await session.run('SITE SYMLINK ../file folder/link')
    expect(session.backend.tree.findLink('/folder/link')).toMatchObject({ type: 'symlink', target: '../file' })
    await session.run('SITE SYMLINK "two words" "folder/its ""link"""')
    expect(session.backend.tree.findLink('/folder/its "link"')).toMatchObject({ target: 'two words' })
    await session.run('SITE MKDIR a/b/c')
    expect(session.backend.tree.peek('/a/b/c')).toMatchObject({ type: 'directory' })
  })

  test('UMASK takes bits from what is made after it', async () => {
    session.upload = Buffer.from('x')
    for (const line of ['SITE UMASK 027', 'STOR new', 'MKD made', 'SITE MKDIR a/b']) await session.run(line)
    expect(['/new', '/made', '/a', '/a/b'].map((path) => attrs(path).mode)).toEqual([0o640, 0o750, 0o750, 0o750])
    expect((await session.run('SITE UMASK')).lines.join()).toContain('027')
  })

  test('DIRSTYLE toggles', async () => {
    expect((await session.run('SITE DIRSTYLE')).lines.join()).toContain('on')
    expect((await session.run('SYST')).lines.join()).toContain('Windows_NT')
    expect((await session.run('SITE DIRSTYLE')).lines.join()).toContain('off')
  })

  test('HELP tells every word that is carried out, and FEAT those that clients look for', async () => {
    const help = (await session.run('SITE HELP')).lines.join('\n')
    const feat = (await session.run('FEAT')).lines.find((line) => line.startsWith('SITE ')) ?? ''
    for (const word of feat.slice(5).split(';')) expect(help).toContain(`SITE ${word}`)
    expect(help).not.toContain('EXEC')
  })
})

describe('MFF', () => {
  test.each([
    ['Modify=20240102030405; file', 213, 'Modify=20240102030405; file'],
    ['UNIX.mode=0640; two words', 213, 'UNIX.mode=0640; two words'],
    ['unix.MODE=640;modify=20240102030405; file', 213, 'UNIX.mode=640;Modify=20240102030405; file'],
    ['UNIX.owner=5;UNIX.group=6; file', 213, 'UNIX.owner=5;UNIX.group=6; file'],
    ['Create=20240102030405; file', 504, 'Create'],
    ['Modify=20240102030405;Size=5; file', 504, 'Size'],
    ['Modify=yesterday; file', 501, 'yesterday'],
    ['UNIX.mode=9999; file', 501, '9999'],
    ['Modify=20240102030405;', 501, 'Syntax'],
    ['file', 501, 'Syntax'],
  ])('%s is %i', async (argument, expected, text) => {
    const answer = await session.run(`MFF ${argument}`)
    expect(answer.code).toBe(expected)
    expect(answer.lines.join()).toContain(text)
  })

  test('nothing is changed when one of the facts cannot be', async () => {
    const { modified } = attrs('/file')
    await session.run('MFF Modify=20240102030405;Size=5; file')
    expect(attrs('/file').modified).toBe(modified)
  })

  test('MFCT is known and not carried out', async () => {
    expect(await code('MFCT 20240102030405 file')).toBe(502)
  })
})

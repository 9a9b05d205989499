import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { makeFixture } from '../support/fixtures.ts'
import { oldServers, useRelay } from '../support/old-server.ts'
import { run } from '../support/run.ts'

describe.each(Object.keys(oldServers) as (keyof typeof oldServers)[])('Relayed to %s', (kind) => {
  const place = useRelay(oldServers[kind])

  function logIn(how: 'relayed' | 'direct') {
    const { port, certificate, user, password } =
      how === 'relayed' ? place.site('explicit', '1.3') : place.direct('1.3')
    const version = how === 'direct' && kind.endsWith('1.2') ? '1.2' : '1.3'
    return Dialogue.logIn({ port, certificate, tls: 'explicit', version }, user, password)
  }

  test('errors have the codes and texts of the server', async () => {
    const [relayed, direct] = [await logIn('relayed'), await logIn('direct')]
    const wrong = ['CWD nowhere', 'DELE nothing', 'MKD /proc/x', 'RNTO x', 'XNONSENSE 1', 'SIZE nothing', 'RMD nothing']
    for (const line of wrong) {
      await Promise.all([relayed.send(line), direct.send(line)])
      expect((await relayed.reply()).lines, line).toEqual((await direct.reply()).lines)
    }
    for (const line of ['RETR nothing', 'STOR no/where', 'STOR /proc/x', 'LIST nowhere']) {
      const content = line.startsWith('STOR') ? Buffer.from('x') : undefined
      const [one, other] = [await relayed.transfer(line, content), await direct.transfer(line, content)]
      expect(
        one.replies.map(({ lines }) => lines),
        line,
      ).toEqual(other.replies.map(({ lines }) => lines))
    }
    relayed.close()
    direct.close()
  })

  test('lists by LIST, NLST and MLSD as the server does', async () => {
    writeFileSync(join(place.old.home, 'a file'), 'abc')
    const [relayed, direct] = [await logIn('relayed'), await logIn('direct')]
    for (const line of ['LIST', 'NLST', 'LIST -la', 'MLSD', 'NLST *']) {
      const [one, other] = [await relayed.transfer(line), await direct.transfer(line)]
      expect(
        one.replies.map(({ lines }) => lines),
        line,
      ).toEqual(other.replies.map(({ lines }) => lines))
      expect(one.content.toString(), line).toBe(other.content.toString())
    }
    relayed.close()
    direct.close()
  })

  test('goes on in the middle of a file, by REST and by APPE', async () => {
    const { path } = await makeFixture(place.local, 1_000_000)
    const bytes = readFileSync(path)
    const client = await logIn('relayed')
    writeFileSync(join(place.old.home, 'down'), bytes)
    await client.dialogue('> REST 999000', '< 350')
    expect((await client.transfer('RETR down')).content.equals(bytes.subarray(999_000))).toBe(true)
    expect((await client.transfer('STOR up', bytes.subarray(0, 500_000))).code).toBe(226)
    expect((await client.transfer('APPE up', bytes.subarray(500_000, 700_000))).code).toBe(226)
    await client.dialogue('> REST 700000', '< 350')
    expect((await client.transfer('STOR up', bytes.subarray(700_000))).code).toBe(226)
    expect(readFileSync(join(place.old.home, 'up')).equals(bytes)).toBe(true)
    client.close()
  })

  test('ABOR ends a download, and the session goes on', async () => {
    const path = join(place.old.home, 'large')
    for (let i = 0; i < 64; i++) appendFileSync(path, Buffer.alloc(1024 * 1024, i))
    const site = place.site('explicit', '1.3')
    const script = `
import ftplib, ssl, sys
ftp = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=sys.argv[2]), timeout=30)
ftp.connect('127.0.0.1', int(sys.argv[1]))
ftp.login(sys.argv[3], sys.stdin.read())
ftp.prot_p()
ftp.voidcmd('TYPE I')
data = ftp.transfercmd('RETR large')
data.recv(8192)
ftp.sock.sendall(b'ABOR\\r\\n')
print(*sorted([ftp.getline()[:3], ftp.getline()[:3]]))
data.close()
print(ftp.pwd() != '')
ftp.quit()
`
    const args = ['-c', script, String(site.port), site.certificate, site.user]
    const { code, stdout, stderr } = await run('python3', args, { input: site.password })
    expect(stderr).toBe('')
    expect(stdout.toString()).toMatch(/^22[56] 426\nTrue\n$/)
    expect(code).toBe(0)
  })

  test('many transfers of one session all continue its TLS session', async () => {
    const client = await logIn('relayed')
    for (let i = 0; i < 30; i++) {
      expect((await client.transfer(`STOR f${i}`, Buffer.from(`${i}`))).code, `STOR ${i}`).toBe(226)
      expect((await client.transfer(`RETR f${i}`)).content.toString(), `RETR ${i}`).toBe(`${i}`)
    }
    client.close()
  })

  test('half an upload is a failed one there', async () => {
    const site = place.site('explicit', '1.3')
    const script = `
import ftplib, socket, ssl, sys
ftp = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=sys.argv[2]), timeout=30)
ftp.connect('127.0.0.1', int(sys.argv[1]))
ftp.login(sys.argv[3], sys.stdin.read())
ftp.prot_p()
ftp.voidcmd('TYPE I')
data = ftp.transfercmd('STOR half')
data.sendall(b'x' * 100000)
socket.socket(fileno=data.detach()).shutdown(socket.SHUT_WR)
try:
    ftp.voidresp()
except ftplib.Error as error:
    print(str(error)[:1])
`
    const args = ['-c', script, String(site.port), site.certificate, site.user]
    const { stdout, stderr } = await run('python3', args, { input: site.password })
    expect(stderr).toBe('')
    expect(stdout.toString()).toBe('4\n')
  })
})

import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { makeFixture, namesIn } from '../support/fixtures.ts'
import type { Place } from '../support/place.ts'
import { usePlace } from '../support/place.ts'
import type { Client, Step } from './client.ts'
import { curl } from './curl.ts'
import { lftp } from './lftp.ts'

/** Verbs and codes of the commands since, as the gateway took them. */
async function dialogueOf(place: Place, client: Client, steps: readonly Step[]): Promise<string[]> {
  const seen = place.gateway.log.length
  await client.perform(place.site('explicit', '1.3'), steps)
  return place.gateway.log
    .slice(seen)
    .flatMap((event) => (event.kind === 'command' ? [`${event.verb} ${event.code}`] : []))
}

describe.each(['1.2', '1.3'] as const)('T1: replayed on TLS %s', (version) => {
  const place = usePlace()
  const connect = () => {
    const { explicit: port, certificate } = place.gateway
    return Dialogue.connect({ port, tls: 'explicit', version, certificate })
  }
  const logIn = async (client: Dialogue, user: string, password: string) => {
    await client.dialogue(`> USER ${user}`, '< 331')
    await client.send(`PASS ${password}`, 'PASS [secret]')
    await client.dialogue('< 230')
  }

  test('what lftp says is answered as lftp wants it', async () => {
    const { user, password } = place.site('explicit', version)
    const client = await connect()
    await client.dialogue('< 220', '> FEAT', '< 211')
    await client.secure()
    await client.dialogue('> CLNT lftp/4.9.2', '< 200', '> OPTS UTF8 ON', '< 200')
    await logIn(client, user, password)
    await client.dialogue('> OPTS MLST type;size;modify;perm;UNIX.mode;UNIX.uid;UNIX.gid;', '< 200')
    await client.dialogue('> PWD', '< 257 "/', '> PBSZ 0', '< 200', '> PROT P', '< 200', '> PASV', '< 227')
    expect((await client.transfer('LIST')).code).toBe(226)
    await client.dialogue('> TYPE I', '< 200', '> SIZE file', '< 550', '> ALLO 5', '< 202')
    expect((await client.transfer('STOR file', Buffer.from('bytes'))).code).toBe(226)
    await client.dialogue('> MFMT 20200102030405 file', '< 213 Modify=20200102030405; ', '> SIZE file', '< 213 5')
    await client.dialogue('> MDTM file', '< 213 20200102030405')
    expect((await client.transfer('RETR file')).content.toString()).toBe('bytes')
    await client.dialogue('> REST 2', '< 350')
    expect((await client.transfer('RETR file')).content.toString()).toBe('tes')
    await client.dialogue('> QUIT', '< 221')
    await client.closed()
    expect(statSync(join(place.home, 'file')).mtime.toISOString()).toBe('2020-01-02T03:04:05.000Z')
  })

  test('what curl says is answered as curl wants it', async () => {
    const { user, password } = place.site('explicit', version)
    const client = await connect()
    await client.dialogue('< 220')
    await client.secure()
    await logIn(client, user, password)
    await client.dialogue('> PBSZ 0', '< 200', '> PROT P', '< 200', '> PWD', '< 257 "/')
    await client.dialogue('> CWD missing', '< 550', '> MKD missing', '< 257', '> CWD missing', '< 250')
    await client.dialogue('> TYPE I', '< 200')
    expect((await client.transfer('STOR file', Buffer.from('bytes'))).code).toBe(226)
    await client.dialogue('> SIZE file', '< 213 5', '> REST 0', '< 350', '> TYPE A', '< 200')
    expect((await client.transfer('NLST')).content.toString()).toBe('file\r\n')
    await client.dialogue('> TYPE I', '< 200')
    expect((await client.transfer('APPE file', Buffer.from(' more'))).code).toBe(226)
    expect((await client.transfer('RETR file')).content.toString()).toBe('bytes more')
    await client.dialogue('> QUIT', '< 221')
    await client.closed()
    expect(namesIn(place.home)).toEqual(['missing'])
  })
})

describe('T1: the clients themselves', () => {
  const place = usePlace()
  const steps = async (): Promise<Step[]> => {
    const { path } = await makeFixture(place.local, 100_000)
    const local = join(place.local, 'copy')
    return [
      { do: 'list', directory: '' },
      { do: 'put', local: path, remote: 'file' },
      { do: 'get', remote: 'file', local },
    ]
  }
  /** Every command that the client needs succeeds; it may ask in vain for a file that is not there yet. */
  const inVain = /^(SIZE|MDTM) 550$/

  test.each([lftp, curl])('no command of $name is refused but questions for what is not there yet', async (client) => {
    const dialogue = await dialogueOf(place, client, await steps())
    expect(dialogue.filter((line) => !/ [23]\d\d$/.test(line) && !inVain.test(line))).toEqual([])
    expect(dialogue).toEqual(expect.arrayContaining(['PASS 230', 'PROT 200', 'STOR 226', 'RETR 226', 'QUIT 221']))
    expect(dialogue.filter((line) => line === 'AUTH 234')).toHaveLength(1)
  })
})

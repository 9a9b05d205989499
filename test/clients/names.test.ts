import { expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { makeFixture, namesIn } from '../support/fixtures.ts'
import { usePlace } from '../support/place.ts'

const place = usePlace()

async function logIn(): Promise<Dialogue> {
  const { port, certificate, user, password } = place.site('explicit', '1.3')
  return Dialogue.logIn({ port, tls: 'explicit', certificate }, user, password)
}

test('T14: a byte 0xFF in a name is doubled on its way here, as Telnet has it, and is one byte on the disk', async () => {
  const client = await logIn()
  await client.dialogue('> MKD a\xff\xffb', '< 257', '> CWD a\xff\xffb', '< 250')
  expect((await client.transfer('STOR \xff\xff', Buffer.from('bytes'))).code).toBe(226)
  expect((await client.transfer('NLST')).content.toString('latin1')).toBe('\xff\r\n')
  expect((await client.transfer('RETR \xff\xff')).content.toString()).toBe('bytes')
  await client.dialogue('> DELE \xff\xff', '< 250', '> QUIT', '< 221')
  expect(namesIn(place.home)).toEqual(['a\xffb'])
})

test.each(['LIST', 'NLST', 'MLSD'])('T14: a line feed in a name never makes a second line of %s', async (verb) => {
  const file = await makeFixture(place.local, 1)
  for (const name of ['one\ntwo', 'three']) place.give(name, file)
  const client = await logIn()
  const listing = (await client.transfer(verb)).content.toString('latin1')
  expect(listing).toMatch(/three\r\n/)
  const lines = listing.split('\r\n')
  expect(lines.filter((line) => /[\r\n]/.test(line) || (line.includes('two') && !line.includes('one')))).toEqual([])
  client.close()
})

import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { emptyFolder } from '../support/fixtures.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

/* ALLO says how long the next file is: what has no room is refused before the client sends it. */

let sshd: Sshd
let gateway: TestGateway
let client: Dialogue
beforeAll(async () => {
  sshd = await startSshd()
  gateway = await startTestGateway({ sshd })
})
beforeEach(async () => {
  client = await Dialogue.connect({ port: gateway.implicit, tls: 'implicit', certificate: gateway.certificate })
  const { name, password } = sshd.user
  await client.dialogue('< 220', `> USER ${name}`, '< 331', `> PASS ${password}`, '< 230', '> TYPE I', '< 200')
})
afterEach(() => {
  client.close()
  emptyFolder(sshd.home)
})
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

/** More than the disk has. */
function tooMuch(): number {
  const { blocks, bsize } = statfsSync(sshd.home)
  return blocks * bsize + 1
}

test.each(['STOR file', 'STOU file'])(
  '%s of a file that has no room on the disk is 452, without a 150',
  async (command) => {
    await client.dialogue(`> ALLO ${tooMuch()}`, '< 202', '> PASV', '< 227', `> ${command}`, '< 452')
    expect(readdirSync(sshd.home)).toEqual([])
  },
)

test('the announced size is that of one upload only, and one that has room goes on', async () => {
  const content = randomBytes(100_000)
  await client.dialogue(`> ALLO ${tooMuch()}`, '< 202', '> PASV', '< 227', '> STOR file', '< 452')
  expect((await client.transfer('STOR file', content)).code).toBe(226)
  await client.dialogue(`> ALLO ${content.length}`, '< 202')
  expect((await client.transfer('STOR file', content)).code).toBe(226)
  expect(readFileSync(join(sshd.home, 'file')).equals(content)).toBe(true)
})

test('in TYPE A it is not the size of what is stored, and refuses nothing', async () => {
  await client.dialogue('> TYPE A', '< 200', `> ALLO ${tooMuch()}`, '< 202', '> PASV', '< 227', '> STOR file', '< 150')
})

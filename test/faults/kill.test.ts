import { execFileSync } from 'node:child_process'
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { finishedIn } from '../support/fixtures.ts'
import { ground } from '../support/ground.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'
import { type GatewayProcess, startGatewayProcess } from './history/gateway-process.ts'

/** `KILLS=200 npx vitest run test/faults/kill.test.ts` is the long form. */
const kills = Number(process.env['KILLS'] ?? 20)
const uploadMs = 400

let sshd: Sshd
let gateway: GatewayProcess
beforeAll(async () => {
  execFileSync('npm', ['run', '--silent', 'build'])
  sshd = await startSshd()
  gateway = await startGatewayProcess(await ground(), sshd, sshd.port, [])
}, 60_000)
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const stored = (name: string) => {
  const path = join(sshd.home, name)
  return existsSync(path) ? hash(readFileSync(path)) : 'absent'
}

/** What the gateway said to curl; `begun`: 150, `told`: 226. */
async function curl(name: string, ...settings: string[]) {
  const { name: user, password } = sshd.user
  const how = [`url = "ftp://127.0.0.1:${gateway.port}/${name}"`, `user = "${user}:${password}"`]
  const input = [...how, 'ssl-reqd', 'insecure', 'silent', 'show-error', 'verbose', ...settings].join('\n')
  const { stderr } = await run(program('curl'), ['-q', '--config', '-'], { input, secret: password })
  const dialogue = stderr.toString()
  return { told: dialogue.includes('< 226 '), begun: dialogue.includes('< 150 ') }
}

/** Resolves when there is a temporary file for the name that was not there before. */
async function begins(name: string): Promise<void> {
  const of = () => readdirSync(sshd.home).filter((each) => each.startsWith(`.${name}.`) && each.includes('-s'))
  const before = of()
  for (let i = 0; i < 500 && of().every((each) => before.includes(each)); i++) await sleep(10)
}
const upload = (name: string, file: string, ...settings: string[]) => curl(name, `upload-file = "${file}"`, ...settings)

test('F44 SIGKILL of the gateway again and again during uploads: no part of a file under its name, every retry gets 226, and what is left is removed when it is old', {
  timeout: 60_000 + kills * 10_000,
}, async () => {
  const names = ['a', 'b', 'c']
  const expected = new Map(names.map((name) => [name, 'absent']))
  let cut = 0
  let resumed = 0
  for (let i = 0; i < kills; i++) {
    const name = names[i % names.length] ?? ''
    const content = randomBytes(randomInt(1, 4_000_000))
    const file = join(sshd.folder, 'content')
    writeFileSync(file, content)
    const uploading = upload(name, file, `limit-rate = ${Math.ceil((content.length * 1000) / uploadMs)}`)
    // Most rounds from when the upload has begun, the others from before the login.
    if (i % 5 > 0) await begins(name)
    await sleep(randomInt(uploadMs))
    await gateway.kill()
    const { told, begun } = await uploading
    const found = stored(name)
    // What was not told may have been done, as a whole.
    const allowed = told ? [hash(content)] : [hash(content), expected.get(name)]
    expect(allowed, `round ${i}`).toContain(found)
    if (found !== hash(content)) cut++
    expected.set(name, found)
    const resumes = i % 4 > 1 && begun && found !== hash(content)
    if (i % 4 === 0 || resumes) {
      // curl asks for the size, and appends what is missing. Where nothing was stored the old file is what it must not go on in.
      const retry = await upload(name, file, ...(resumes ? ['continue-at = -'] : []))
      if (resumes && retry.told) resumed++
      if (!resumes) expect(retry.told, `retry of round ${i}`).toBe(true)
      expect(stored(name), `retry of round ${i}`).toBe(hash(content))
      expected.set(name, hash(content))
    }
    for (const [other, sum] of expected) expect(stored(other), `${other} after round ${i}`).toBe(sum)
  }
  expect(cut).toBeGreaterThan(kills / 10)
  expect(resumed).toBeGreaterThan(kills / 20)
  const last = upload('d', join(sshd.folder, 'content'), 'limit-rate = 10K')
  await begins('d')
  await gateway.kill()
  expect((await last).told).toBe(false)
  // What the killed ones left is hidden, and listings take it away when it is old.
  const hidden = () => readdirSync(sshd.home).filter((each) => !names.includes(each))
  const left = hidden()
  for (const each of left) expect(each).toMatch(/^\.[abcd]\.[0-9a-f]{8}(-s[0-9a-f]{16})?\.part$/)
  expect(left.filter((each) => each.startsWith('.d.'))).toHaveLength(1)
  expect(finishedIn(sshd.home).filter((each) => !each.endsWith('.part'))).toEqual(
    names.filter((name) => expected.get(name) !== 'absent'),
  )
  for (const each of left) utimesSync(join(sshd.home, each), 1_000_000_000, 1_000_000_000)
  await vi.waitFor(
    async () => {
      expect((await curl('')).told).toBe(true)
      expect(hidden()).toEqual([])
    },
    { timeout: 20_000 },
  )
  for (const [other, sum] of expected) expect(stored(other), other).toBe(sum)
})

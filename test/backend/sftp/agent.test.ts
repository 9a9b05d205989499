import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SftpBackend } from '../../../src/backend/sftp/sftp-backend.ts'
import { backendFor } from '../../support/backend-under-test.ts'
import { runOk } from '../../support/run.ts'
import { makeKey, type Sshd, startSshd } from '../../support/sshd.ts'

let folder: string
let sshd: Sshd
let backend: SftpBackend
const agents: ChildProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agent-'))
  sshd = await startSshd()
  backend = backendFor(sshd)
}, 60_000)
afterAll(async () => {
  await backend?.close()
  await sshd?.stop()
  for (const agent of agents) {
    const ended = once(agent, 'exit')
    agent.kill()
    await ended
  }
  await rm(folder, { recursive: true })
})

/** A real agent with these keys; its socket. */
async function startAgent(name: string, ...keys: string[]): Promise<string> {
  const socket = join(folder, name)
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  agents.push(agent)
  await expect.poll(() => existsSync(socket), { timeout: 10_000 }).toBe(true)
  for (const key of keys) await runOk('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
  return socket
}

const credentials = (socket: string) => ({ kind: 'agent', username: sshd.user.name, socket }) as const

test('the agent signs, and the login has its files; logins of one account share a connection', async () => {
  const account = credentials(await startAgent('right', sshd.privateKey))
  const files = await backend.open(account)
  await files.makeDirectory(`${files.home}/by-agent`)
  const again = await backend.open(account)
  expect(await again.stat(`${again.home}/by-agent`)).toMatchObject({ type: 'directory' })
  await files.close()
  await again.close()
})

test('of several keys the right one is found', async () => {
  const other = await makeKey(folder, 'other', 'ed25519')
  const files = await backend.open(credentials(await startAgent('several', other, sshd.privateKey)))
  await files.close()
})

test('an agent without the key is a refused login, one that is not there too, and neither hangs', async () => {
  const stranger = await makeKey(folder, 'stranger', 'ed25519')
  await expect(backend.open(credentials(await startAgent('wrong', stranger)))).rejects.toMatchObject({
    kind: 'loginRefused',
  })
  await expect(backend.open(credentials(join(folder, 'nobody')))).rejects.toMatchObject({ kind: 'loginRefused' })
})

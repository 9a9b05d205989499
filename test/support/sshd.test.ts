import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { processTree } from './processes.ts'
import { run } from './run.ts'
import { type Sshd, startSshd } from './sshd.ts'

let sshd: Sshd
beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(() => sshd.stop())

test('the unprivileged user logs in with the key, against the known_hosts lines, and writes into the home folder', async () => {
  const knownHosts = join(sshd.folder, 'known_hosts')
  writeFileSync(knownHosts, sshd.knownHosts)
  const options = [`UserKnownHostsFile=${knownHosts}`, 'StrictHostKeyChecking=yes', `IdentityFile=${sshd.privateKey}`]
  const args = ['-b', '-', '-P', String(sshd.port), ...options.flatMap((option) => ['-o', option])]
  const result = await run('sftp', [...args, `${sshd.user.name}@${sshd.host}`], {
    input: `put ${sshd.privateKey}.pub copy\n`,
  })
  expect(result.code, result.stderr).toBe(0)
  expect(readFileSync(join(sshd.home, 'copy'), 'utf8')).toBe(readFileSync(`${sshd.privateKey}.pub`, 'utf8'))
})

test('nothing of a server is left after stop', async () => {
  const other = await startSshd({ subsystem: 'sftp-server' })
  await other.stop()
  expect(processTree(other.pid)).toEqual([])
})

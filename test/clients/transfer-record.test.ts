import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

let sshd: Sshd
let gateway: TestGateway
let log: string
beforeAll(async () => {
  sshd = await startSshd()
  log = join(sshd.folder, 'transfers.log')
  gateway = await startTestGateway({ sshd, settings: { logging: { transferLog: { file: log } } } })
})
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

function curl(...more: string[]) {
  const { name, password } = sshd.user
  const how = ['-sS', '--ssl-reqd', '--cacert', gateway.certificate, '-u', `${name}:${password}`]
  return run(program('curl'), [...how, ...more])
}

const url = (path: string) => `ftp://localhost:${gateway.explicit}${path}`

test('What curl uploads to OpenSSH, continues, downloads and uploads in vain is in the transfer log', async () => {
  const folder = join(sshd.folder, 'sent')
  mkdirSync(folder)
  const file = join(folder, 'large')
  const content = randomBytes(3_000_000)
  writeFileSync(file, content)
  const rest = join(folder, 'rest')
  writeFileSync(rest, 'more')
  const [size, sha256] = [content.length, createHash('sha256').update(content).digest('hex')]

  expect(await curl('-T', file, url('/large'))).toMatchObject({ code: 0, stderr: '' })
  expect(await curl('-a', '-T', rest, url('/large'))).toMatchObject({ code: 0, stderr: '' })
  expect(await curl('-o', '/dev/null', url('/large'))).toMatchObject({ code: 0, stderr: '' })
  expect((await curl('--ftp-method', 'nocwd', '-T', rest, url('/none/rest'))).code).toBe(25)

  const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
  const tls = { data: 'tls', tls: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/) }
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      verb: 'STOR',
      outcome: 'ok',
      extent: 'whole',
      bytes: size,
      storedBytes: size,
      sha256,
      user: sshd.user.name,
      ...tls,
    },
    { verb: 'APPE', outcome: 'ok', extent: 'partial', bytes: 4, ...tls },
    { verb: 'RETR', outcome: 'ok', extent: 'whole', bytes: size + 4, sha256: null, ...tls },
    { verb: 'STOR', outcome: 'failed', cause: 'refused', path: expect.stringMatching(/\/none\/rest$/), data: 'none' },
  ])
  expect(gateway.log.filter(({ kind }) => kind === 'transferRecordLost')).toEqual([])
})

import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { Dialogue } from '../support/dialogue.ts'
import { type GatewayProgram, startGatewayProgram } from '../support/gateway-program.ts'
import { ground } from '../support/ground.ts'
import { program } from '../support/packages.ts'
import { signal } from '../support/processes.ts'
import { runOk } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

const content = randomBytes(2_000_000)

let sshd: Sshd
let gateway: GatewayProgram
let reader: Daemon | undefined
let disk: string | undefined
beforeEach(async () => {
  sshd = await startSshd()
})
afterEach(async () => {
  if (reader) signal(reader.pid, 'SIGCONT')
  await gateway?.stop()
  await reader?.stop()
  if (disk) await runOk(program('umount'), [disk])
  await sshd?.stop()
  reader = undefined
  disk = undefined
})

const logIn = () =>
  Dialogue.logIn(
    { port: gateway.port, tls: 'explicit', certificate: gateway.certificate },
    sshd.user.name,
    sshd.user.password,
  )

async function upload(client: Dialogue, name: string): Promise<void> {
  expect((await client.transfer(`STOR ${name}`, content)).code).toBe(226)
  expect(readFileSync(join(sshd.home, name)).equals(content), name).toBe(true)
}

test('F48 whoever reads the log stands still (SIGSTOP) and its pipe is full: uploads get 226, and when it goes on it gets every line', async () => {
  const { runFolder } = await ground()
  const [pipe, logFile] = [join(sshd.folder, 'pipe'), join(sshd.folder, 'log')]
  await runOk('mkfifo', [pipe])
  reader = await startDaemon('sh', ['-c', 'exec cat "$0" >>"$1"', pipe, logFile], { runFolder })
  const launcher = ['sh', '-c', `exec "$@" >${pipe}`, 'sh']
  gateway = await startGatewayProgram({ sshd, launcher, logFile, settings: { logging: { level: 'debug' } } })
  const client = await logIn()
  signal(reader.pid, 'SIGSTOP')
  // A pipe holds 64 KiB.
  for (let i = 0; i < 1_000; i++) await client.dialogue('> NOOP', '< 200')
  await upload(client, 'f')
  await upload(await logIn(), 'g')
  expect(gateway.events('transfer.done')).toEqual([])
  signal(reader.pid, 'SIGCONT')
  await gateway.told('transfer.done', 2)
  expect(gateway.events('command').filter(({ verb }) => verb === 'NOOP')).toHaveLength(1_000)
  expect(gateway.events('log.dropped')).toEqual([])
  expect(readdirSync(sshd.home).sort()).toEqual(['f', 'g'])
})

test('F48 the disk of the log and of the transfer log is full: uploads get 226, the lost records are counted, and both are written again when there is room', async () => {
  disk = join(sshd.folder, 'disk')
  mkdirSync(disk)
  await runOk(program('mount'), ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk])
  const [logFile, transferLog, filler] = ['log', 'transfers', 'filler'].map((name) => join(disk ?? '', name)) as [
    string,
    string,
    string,
  ]
  const launcher = ['sh', '-c', `exec "$@" >${logFile}`, 'sh']
  const settings = { logging: { transferLog: { file: transferLog } } }
  gateway = await startGatewayProgram({ sshd, launcher, logFile, settings })
  const client = await logIn()
  await upload(client, 'before')
  fill(filler)
  // What is left of the last pages of the two files.
  for (let i = 0; i < 40; i++) await upload(client, 'meanwhile')
  const lost = (await gateway.metric('ftps_gateway_transfer_records_lost_total{partner="default"}')) ?? 0
  expect(lost).toBeGreaterThan(0)
  rmSync(filler)
  await upload(client, 'after')
  await client.dialogue('> QUIT', '< 221')
  await gateway.told('log.dropped')
  expect(gateway.events('log.dropped')).toEqual([expect.objectContaining({ lines: expect.any(Number) })])
  expect(gateway.events('log.dropped')[0]?.['lines']).toBeGreaterThanOrEqual(lost * 2)
  // What was torn is no part of the lines behind it.
  expect(gateway.events('transfer.done').at(-1)).toMatchObject({ path: expect.stringContaining('/after') })
  const recorded = readFileSync(transferLog, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  expect(recorded.filter((line) => line.endsWith('}')).length).toBe(42 - lost)
  expect(recorded.at(-1)).toContain('/after"')
  expect(readdirSync(sshd.home).sort()).toEqual(['after', 'before', 'meanwhile'])
})

/** Takes all the room that there is. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  const page = Buffer.alloc(4096)
  try {
    for (;;) writeSync(file, page)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(file)
  }
}

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Event, TransferRecord } from '../../src/observe/observer.ts'
import { TransferLog } from '../../src/observe/transfer-log.ts'

let folder: string
let events: Event[]
let log: TransferLog
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'transfer-log-'))
  events = []
  log = new TransferLog((event) => events.push(event))
})
afterEach(async () => {
  await log.close()
  rmSync(folder, { recursive: true, force: true })
})

const now = new Date()
const record = (path: string): TransferRecord => ({
  start: now,
  end: now,
  seconds: 0,
  session: 's-1',
  partner: 'acme',
  user: 'u',
  address: '192.0.2.7',
  listener: 'explicit',
  verb: 'STOR',
  path,
  bytes: 0,
  outcome: 'ok',
  code: 226,
  whole: true,
  offset: 0,
  type: 'I',
  mode: 'S',
})
const settings = (name = 'transfers.log') => ({ file: join(folder, name), format: 'json' as const })
const paths = (name = 'transfers.log') =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): string => JSON.parse(line).path)

test('Lines are added to what the file has, in their order, by a file that others cannot read', async () => {
  const umask = process.umask(0o022)
  await log.use(settings())
  process.umask(umask)
  await log.write(record('/a'))
  await log.use(settings())
  await Promise.all(['/b', '/c', '/d'].map((path) => log.write(record(path))))
  expect(paths()).toEqual(['/a', '/b', '/c', '/d'])
  expect(statSync(join(folder, 'transfers.log')).mode & 0o777).toBe(0o640)
})

test('Nothing is written before a file is named, nor after it is taken back', async () => {
  await log.write(record('/a'))
  expect(log.on).toBe(false)
  await log.use(settings())
  expect(log.on).toBe(true)
  await log.use(undefined)
  await log.write(record('/b'))
  expect(readFileSync(join(folder, 'transfers.log'), 'utf8')).toBe('')
})

test('A renamed file is written on until the log is told to open its file anew', async () => {
  await log.use(settings())
  renameSync(join(folder, 'transfers.log'), join(folder, 'transfers.log.1'))
  await log.write(record('/a'))
  await log.use(settings())
  await log.write(record('/b'))
  expect(paths('transfers.log.1')).toEqual(['/a'])
  expect(paths()).toEqual(['/b'])
})

test('Records that are on their way when the file changes go to the one they were meant for', async () => {
  await log.use(settings())
  const written = log.write(record('/a'))
  await log.use(settings('other.log'))
  await Promise.all([written, log.write(record('/b'))])
  expect(paths()).toEqual(['/a'])
  expect(paths('other.log')).toEqual(['/b'])
})

test('A removed file is made again', async () => {
  await log.use(settings())
  rmSync(join(folder, 'transfers.log'))
  await log.write(record('/a'))
  expect(paths()).toEqual(['/a'])
  expect(events).toEqual([])
})

test('A folder that is gone costs the records, and only until it is back', async () => {
  await log.use(settings())
  rmSync(folder, { recursive: true })
  await log.write(record('/a'))
  expect(events).toMatchObject([{ kind: 'transferRecordLost', path: '/a', partner: 'acme', session: 's-1' }])
  expect(events).toMatchObject([{ reason: expect.stringContaining('ENOENT') }])
  mkdirSync(folder)
  await log.write(record('/b'))
  expect(paths()).toEqual(['/b'])
  expect(events).toHaveLength(1)
})

test('A full disk costs the record', async () => {
  await log.use({ file: '/dev/full', format: 'json' })
  await log.write(record('/a'))
  expect(events).toMatchObject([{ kind: 'transferRecordLost', reason: expect.stringContaining('ENOSPC') }])
})

test('A file that cannot be opened leaves the one before in use', async () => {
  await log.use(settings())
  await expect(log.use(settings('none/transfers.log'))).rejects.toMatchObject({ code: 'ENOENT' })
  await log.write(record('/a'))
  expect(paths()).toEqual(['/a'])
})

test('A pipe that nobody reads is an error and not a wait', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')])
  await expect(log.use(settings('pipe'))).rejects.toMatchObject({ code: 'ENXIO' })
})

test('Nobody waits for a disk that hangs, and what was given up is not written later', async () => {
  const impatient = new TransferLog((event) => events.push(event), 0)
  await impatient.use(settings())
  // With no patience at all, most of many are given up before their turn has come.
  await Promise.all(Array.from({ length: 500 }, (_, i) => impatient.write(record(`/${i}`))))
  await impatient.close()
  expect(events.length).toBeGreaterThan(0)
  expect(events[0]).toMatchObject({ reason: 'not written within 0 ms' })
  const written = existsSync(join(folder, 'transfers.log')) ? readFileSync(join(folder, 'transfers.log'), 'utf8') : ''
  // A few may have been on their way when they were given up.
  expect(written.split('\n').length - 1 + events.length).toBeLessThan(600)
})

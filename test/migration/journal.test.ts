import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Journal, type JournalSettings, readJournals } from '../../src/migration/journal.ts'
import { rowsOf } from '../../src/migration/rows.ts'
import { sumOf } from '../../src/migration/usage.ts'
import type { Event } from '../../src/observe/observer.ts'
import { mountTmpfs } from '../support/tmpfs.ts'
import { logsIn, sessionEvents } from './session.ts'

const day = 86_400_000
const root = { name: 'root', password: '', uid: 0, gid: 0 }
let now: number
let directory: string
let told: Event[]
let open: Journal[]
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'journal-'))
  now = Date.UTC(2026, 10, 23, 12)
  told = []
  open = []
})
afterEach(async () => {
  for (const journal of open) await journal.close()
  await rm(directory, { recursive: true })
})

async function openJournal(settings: Partial<JournalSettings> = {}): Promise<Journal> {
  const observer = (event: Event) => void told.push(event)
  const journal = await Journal.open({ directory, instance: 'a', now: () => now, observer, everyMs: 0, ...settings })
  open.push(journal)
  return journal
}

async function close(journal: Journal): Promise<void> {
  open = open.filter((one) => one !== journal)
  await journal.close()
}

function logIn(journal: Journal, times = 1): void {
  for (let i = 0; i < times; i++) {
    for (const event of sessionEvents(`s${i}`, logsIn(`s${i}`, 'acme', 'acme'))) journal.observer(event)
  }
}

function logins(journal: Journal): number | undefined {
  return sumOf(journal.rows().map(({ usage }) => usage)).counts.total?.['logins']
}

const fileOf = (instance: string) => join(directory, 'journal', `usage-${instance}.jsonl`)

describe('A journal', () => {
  test('knows after a restart what it knew before', async () => {
    const journal = await openJournal()
    logIn(journal, 3)
    const before = journal.rows()
    await close(journal)
    const again = await openJournal()
    expect(again.rows()).toEqual(before)
    logIn(again)
    expect(logins(again)).toBe(4)
  })

  test('writes what came since, and each thing once', async () => {
    const journal = await openJournal()
    logIn(journal)
    await journal.flush()
    logIn(journal, 2)
    journal.rows()
    await journal.flush()
    await journal.flush()
    const rows = rowsOf(await readFile(fileOf('a'), 'utf8'))
    expect(rows.map(({ usage }) => usage.counts.total?.['logins'])).toEqual([1, 2])
  })

  test('loses the last line only, where that was not written to its end', async () => {
    const journal = await openJournal()
    logIn(journal)
    await close(journal)
    await appendFile(fileOf('a'), '{"v":1,"day":"2026-11-23","partner":"acme","us')
    const again = await openJournal()
    logIn(again)
    await close(again)
    expect(logins(await openJournal())).toBe(2)
  })

  test('adds up what replicas have written, each in a file of its own', async () => {
    const [a, b] = [await openJournal(), await openJournal({ instance: 'b/../c' })]
    logIn(a, 2)
    logIn(b, 3)
    await Promise.all([close(a), close(b)])
    expect((await readdir(join(directory, 'journal'))).sort()).toEqual(['usage-a.jsonl', 'usage-b_.._c.jsonl'])
    expect(logins(await openJournal())).toBe(5)
    const rows = await readJournals(directory, { since: '2026-11-01' })
    expect(sumOf(rows.map(({ usage }) => usage)).counts.total).toEqual({ logins: 5 })
  })

  test('knows the newest times of a partner, by whomever they were seen, and since when it knows anything', async () => {
    const other = await openJournal({ instance: 'b' })
    logIn(other)
    await close(other)
    const first = now
    now += day
    const journal = await openJournal()
    expect([journal.newestOf('acme').lastLogin, journal.newestOf('beta')]).toEqual([first, {}])
    logIn(journal)
    expect(journal.newestOf('acme').lastLogin).toBe(now)
    expect(new Date(journal.since).toISOString()).toBe('2026-11-23T00:00:00.000Z')
  })

  test('is written anew when it has grown, and says the same', async () => {
    const journal = await openJournal({ compactAtBytes: 2000 })
    for (let i = 0; i < 20; i++) {
      logIn(journal)
      await journal.flush()
    }
    logIn(journal)
    expect((await readFile(fileOf('a'))).length).toBeLessThan(3000)
    await close(journal)
    expect(logins(await openJournal())).toBe(21)
  })

  test('counts once what comes while it is written anew', async () => {
    const journal = await openJournal({ compactAtBytes: 1 })
    logIn(journal)
    const flushed = journal.flush()
    // Far enough for the write to have begun, and too soon for the disk to be done.
    for (let i = 0; i < 5; i++) await Promise.resolve()
    logIn(journal)
    await flushed
    await close(journal)
    expect(logins(await openJournal())).toBe(2)
  })

  test('forgets what is older than 60 days, and files of instances that are gone', async () => {
    const [journal, other] = [await openJournal(), await openJournal({ instance: 'gone' })]
    logIn(journal)
    logIn(other)
    await Promise.all([close(journal), close(other)])
    await utimes(fileOf('gone'), now / 1000, now / 1000)
    now += 60 * day
    expect(logins(await openJournal())).toBe(2)
    now += 2 * day
    expect((await openJournal({ instance: 'new' })).rows()).toEqual([])
    expect(await readdir(join(directory, 'journal'))).not.toContain('usage-gone.jsonl')
  })

  test('says once that it cannot be written, and writes it when it can', async () => {
    const journal = await openJournal({ compactAtBytes: 1 })
    await rm(join(directory, 'journal'), { recursive: true })
    await writeFile(join(directory, 'journal'), 'a file where the folder was')
    for (let i = 0; i < 3; i++) {
      logIn(journal)
      await journal.flush()
    }
    expect(told).toMatchObject([
      { kind: 'warning', topic: 'journal', message: expect.stringContaining('cannot be written') },
    ])
    expect(logins(journal)).toBe(3)
    await rm(join(directory, 'journal'))
    await mkdir(join(directory, 'journal'))
    logIn(journal)
    await journal.flush()
    expect(sumOf(rowsOf(await readFile(fileOf('a'), 'utf8')).map(({ usage }) => usage)).counts.total).toEqual({
      logins: 4,
    })
    await rm(join(directory, 'journal'), { recursive: true })
    await writeFile(join(directory, 'journal'), 'again')
    for (let i = 0; i < 2; i++) {
      logIn(journal, 100)
      await journal.flush()
    }
    expect(told).toHaveLength(2)
  })

  test('has nothing twice after a disk that was full for a while', async () => {
    const disk = join(directory, 'disk')
    const unmount = await mountTmpfs(disk, root, '32k')
    try {
      const journal = await openJournal({ directory: disk })
      const filler = join(disk, 'filler')
      await writeFile(filler, Buffer.alloc(20_000))
      // Lines of more users than there is room for, of which the first ones are written whole.
      for (let i = 0; i < 80; i++) {
        for (const event of sessionEvents(`s${i}`, logsIn(`s${i}`, 'acme', `user${i}`))) journal.observer(event)
      }
      await journal.flush()
      expect(told).toMatchObject([{ topic: 'journal', message: expect.stringContaining('ENOSPC') }])
      await rm(filler)
      await journal.flush()
      const rows = rowsOf(await readFile(join(disk, 'journal', 'usage-a.jsonl'), 'utf8'))
      expect(sumOf(rows.map(({ usage }) => usage)).counts.total).toEqual({ logins: 80 })
      await close(journal)
    } finally {
      await unmount()
    }
  })

  test('of a directory without one is empty', async () => {
    expect(await readJournals(join(directory, 'nowhere'), { since: '' })).toEqual([])
  })
})

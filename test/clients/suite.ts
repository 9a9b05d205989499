import { copyFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ByteString, fromText } from '../../src/ftp/bytes.ts'
import { type Fixture, makeFixture, namesIn, sha256 } from '../support/fixtures.ts'
import { type Site, usePlace } from '../support/place.ts'
import type { Client, Step } from './client.ts'

/** Empty; one byte; a full TLS record and one byte more; more than the socket buffers hold. */
const sizes = [0, 1, 16_384, 16_385, 3_000_000]
/** Long enough that every window, queue and rekeying on the way comes into play. */
const largeSize = 300_000_000

const names: readonly ByteString[] = [
  'plain.txt',
  'with  two spaces',
  `it's "quoted" \\ and so on`,
  '-la',
  ' leading blank',
  'arrow -> target',
  'trailing blank ',
  '#hash %41 *star* [set] ?',
  'tab\tinside',
  fromText('Grüße 文件 🗎'),
  'invalid \xe9\xc3 UTF-8',
  'x'.repeat(255),
]

const modes = ['explicit', 'implicit'] as const
const versions = ['1.2', '1.3'] as const

export interface Expectations {
  /** Names that the client itself cannot send or show, each with the reason. */
  readonly unable?: Readonly<Record<ByteString, string>>
  /** Why the client cannot upload an empty file, if so. */
  readonly unableEmptyFile?: string
}

/** Drives a real client against the gateway in front of a real OpenSSH server, and looks at the files behind it. */
export function testClient(client: Client, { unable = {}, unableEmptyFile }: Expectations = {}): void {
  const able = names.filter((name) => unable[name] === undefined)
  const ableSizes = sizes.filter((bytes) => bytes > 0 || unableEmptyFile === undefined)
  describe.each(modes)(`${client.name}, %s TLS`, (mode) => {
    describe.each(versions)('%s', (tls) => {
      const place = usePlace()
      const site = (): Site => place.site(mode, tls)
      const perform = (...steps: Step[]) => client.perform(site(), steps)

      test('puts and gets files of every size, and no byte changes', async () => {
        const files = await Promise.all(ableSizes.map((bytes) => makeFixture(place.local, bytes)))
        const name = ({ bytes }: Fixture) => `file-${bytes}`
        await perform(
          ...files.map((file): Step => ({ do: 'put', local: file.path, remote: name(file) })),
          ...files.map((file): Step => ({ do: 'get', remote: name(file), local: join(place.local, name(file)) })),
        )
        expect(namesIn(place.home)).toEqual(files.map(name).sort())
        for (const file of files) {
          expect(await sha256(join(place.home, name(file))), `${file.bytes} bytes up`).toBe(file.sha256)
          expect(await sha256(join(place.local, name(file))), `${file.bytes} bytes down`).toBe(file.sha256)
        }
      })

      test('puts and gets 300 MB, and no byte changes', async () => {
        const file = await makeFixture(place.local, largeSize)
        const copy = join(place.local, 'copy')
        await perform({ do: 'put', local: file.path, remote: 'large' }, { do: 'get', remote: 'large', local: copy })
        expect(await sha256(join(place.home, 'large'))).toBe(file.sha256)
        expect(await sha256(copy)).toBe(file.sha256)
      })

      test('replaces a file with a shorter one', async () => {
        const [long, short] = await Promise.all([makeFixture(place.local, 16_385), makeFixture(place.local, 1)])
        await perform({ do: 'put', local: long.path, remote: 'file' }, { do: 'put', local: short.path, remote: 'file' })
        expect(await sha256(join(place.home, 'file'))).toBe(short.sha256)
      })

      test('resumes a download where it ended', async () => {
        const file = await makeFixture(place.local, 3_000_000)
        place.give('file', file)
        const copy = join(place.local, 'copy')
        copyFileSync(file.path, copy)
        truncateSync(copy, 1_000_001)
        await perform({ do: 'resume', remote: 'file', local: copy })
        expect(statSync(copy).size).toBe(file.bytes)
        expect(await sha256(copy)).toBe(file.sha256)
      })

      test('makes, lists, renames and removes directories and files', async () => {
        const file = await makeFixture(place.local, 1)
        const [root, made, gone] = await perform(
          { do: 'makeDirectory', directory: 'orders' },
          { do: 'put', local: file.path, remote: 'orders/first' },
          { do: 'put', local: file.path, remote: 'orders/second' },
          { do: 'rename', from: 'orders/first', to: 'orders/third' },
          { do: 'list', directory: '' },
          { do: 'list', directory: 'orders' },
          { do: 'remove', remote: 'orders/second' },
          { do: 'rename', from: 'orders/third', to: 'third' },
          { do: 'list', directory: 'orders' },
          { do: 'removeDirectory', directory: 'orders' },
        )
        expect(root).toEqual(['orders'])
        expect(made?.sort()).toEqual(['second', 'third'])
        expect(gone).toEqual([])
        expect(namesIn(place.home)).toEqual(['third'])
      })

      test('T14: puts, lists, gets, renames and removes files whatever the bytes of their names', async () => {
        const file = await makeFixture(place.local, 16_384)
        await perform(...able.map((name): Step => ({ do: 'put', local: file.path, remote: name })))
        expect(namesIn(place.home)).toEqual([...able].sort())
        const copy = (i: number) => join(place.local, `copy-${i}`)
        const [listed] = await perform(
          { do: 'list', directory: '' },
          ...able.map((name, i): Step => ({ do: 'get', remote: name, local: copy(i) })),
          ...able.map((name, i): Step => ({ do: 'rename', from: name, to: `renamed-${i}` })),
          ...able.map((name, i): Step => ({ do: 'rename', from: `renamed-${i}`, to: name })),
          ...able.map((name): Step => ({ do: 'remove', remote: name })),
        )
        expect(listed?.sort()).toEqual([...able].sort())
        for (const i of able.keys()) expect(await sha256(copy(i)), able[i]).toBe(file.sha256)
        expect(namesIn(place.home)).toEqual([])
      })

      test('T14: finds files that others made, whatever the bytes of their names', async () => {
        const file = await makeFixture(place.local, 16_384)
        for (const name of able) place.give(name, file)
        const copy = (i: number) => join(place.local, `copy-${i}`)
        const [listed] = await perform(
          { do: 'list', directory: '' },
          ...able.map((name, i): Step => ({ do: 'get', remote: name, local: copy(i) })),
        )
        expect(listed?.sort()).toEqual([...able].sort())
        for (const i of able.keys()) expect(await sha256(copy(i)), able[i]).toBe(file.sha256)
      })
    })
  })
}

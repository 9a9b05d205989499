import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Fixture, namesIn, sha256 } from '../../support/fixtures.ts'
import type { TestUser } from '../../support/ground.ts'
import type { Site } from '../../support/place.ts'
import type { Client, Step } from '../client.ts'

/** What clients are asked to do, each proven by itself. */
export const deeds = [
  'list',
  'upload',
  'upload of an empty file',
  'download',
  'download of an empty file',
  'rename',
  'delete',
  'mkdir',
  'rmdir',
] as const
export type Deed = (typeof deeds)[number]

/** One client on one way, with a folder on the backend that no other cell uses. */
export interface Cell {
  readonly client: Client
  readonly site: Site
  readonly able: ReadonlySet<Deed>
  /** The folder on the backend's disk, which is "/" to the login. */
  readonly disk: string
  readonly owner: TestUser
  readonly up: Fixture
  readonly down: Fixture
}

/** Does everything that the client is able to, in one go, and looks at the disk. */
export async function proveCell({ client, site, able, disk, owner, up, down }: Cell): Promise<void> {
  mkdirSync(site.folder)
  furnish(disk, owner, down)
  const local = (name: string) => join(site.folder, name)
  writeFileSync(local('nothing'), '')
  const steps: Readonly<Record<Deed, Step>> = {
    mkdir: { do: 'makeDirectory', directory: 'made' },
    upload: { do: 'put', local: up.path, remote: 'up.bin' },
    'upload of an empty file': { do: 'put', local: local('nothing'), remote: 'up-empty' },
    list: { do: 'list', directory: '' },
    download: { do: 'get', remote: 'down.bin', local: local('copy.bin') },
    'download of an empty file': { do: 'get', remote: 'down-empty', local: local('copy-empty') },
    rename: { do: 'rename', from: 'old', to: 'new' },
    delete: { do: 'remove', remote: 'gone' },
    rmdir: { do: 'removeDirectory', directory: 'left' },
  }
  const order = (Object.keys(steps) as Deed[]).filter((deed) => able.has(deed))
  const lists = await client.perform(
    site,
    order.map((deed) => steps[deed]),
  )
  const has = (deed: Deed, name: string) => (able.has(deed) ? [name] : [])
  const added = [...has('mkdir', 'made'), ...has('upload', 'up.bin'), ...has('upload of an empty file', 'up-empty')]
  expect(lists.map((names) => [...names].sort())).toEqual(
    able.has('list') ? [[...added, 'down-empty', 'down.bin', 'gone', 'left', 'old'].sort()] : [],
  )
  const left = ['down-empty', 'down.bin', able.has('rename') ? 'new' : 'old']
  if (!able.has('delete')) left.push('gone')
  if (!able.has('rmdir')) left.push('left')
  expect(namesIn(disk)).toEqual([...added, ...left].sort())
  const empty = await sha256(local('nothing'))
  const same = async (path: string, hash: string) => expect(await sha256(path), path).toBe(hash)
  if (able.has('upload')) await same(join(disk, 'up.bin'), up.sha256)
  if (able.has('upload of an empty file')) await same(join(disk, 'up-empty'), empty)
  if (able.has('download')) await same(local('copy.bin'), await sha256(join(disk, 'down.bin')))
  if (able.has('download of an empty file')) await same(local('copy-empty'), empty)
  if (able.has('rename')) await same(join(disk, 'new'), down.sha256)
}

/** What is there before the client comes. */
function furnish(disk: string, owner: TestUser, down: Fixture): void {
  mkdirSync(disk)
  mkdirSync(join(disk, 'left'))
  for (const name of ['down.bin', 'old', 'gone']) copyFileSync(down.path, join(disk, name))
  writeFileSync(join(disk, 'down-empty'), '')
  for (const name of ['.', ...namesIn(disk)]) {
    chownSync(join(disk, name), owner.uid, owner.gid)
    chmodSync(join(disk, name), 0o755)
  }
}

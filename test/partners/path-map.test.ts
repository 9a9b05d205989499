import { beforeEach, describe, expect, test } from 'vitest'
import { type Backend, BackendError, type FileSystem } from '../../src/backend/backend.ts'
import type { PartnerConfig, PathConfig } from '../../src/config/config.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { createLogIn } from '../../src/partners/log-in.ts'
import { failure, MemoryBackend } from '../support/memory-backend.ts'

let main: MemoryBackend
let other: MemoryBackend
let opened: string[]

beforeEach(() => {
  ;[main, other] = [new MemoryBackend(), new MemoryBackend()]
  opened = []
  away = undefined
  for (const folder of ['/data', '/data/acme', '/data/acme/in', '/data/shared']) main.tree.addDirectory(folder)
  for (const folder of ['/export', '/export/acme', '/export/acme/sub']) other.tree.addDirectory(folder)
  main.tree.addFile('/data/acme/in/file', 'in')
  main.tree.addFile('/data/acme/top', 'top')
  main.tree.addFile('/data/shared/common', 'shared')
  other.tree.addFile('/export/acme/report', 'report')
  other.tree.addFile('/export/secret', 'secret')
})

const path = (ftp: string, sftp: string, backend = 'main', readOnly = false): PathConfig => ({
  ftp,
  sftp,
  backend,
  readOnly,
})
const usual = [
  path('/', '/data/acme'),
  path('/out', '/export/acme', 'other'),
  path('/a/deep/shared', '/data/shared'),
  path('/fixed', '/data/shared', 'main', true),
]

let away: string | undefined

function named(name: string, backend: MemoryBackend): Backend {
  return {
    name,
    up: true,
    open: async (...args) => {
      opened.push(name)
      if (name === away) throw new BackendError('unavailable', 'no connection')
      return backend.open(...args)
    },
    prepare: () => undefined,
    probe: () => backend.probe(),
    close: () => backend.close(),
  }
}

async function logIn(
  paths = usual,
  more: Partial<PartnerConfig> = {},
  others: readonly (readonly [string, Backend])[] = [],
): Promise<FileSystem> {
  const auth = { mode: 'passthrough', username: undefined } as const
  const backend = paths.find(({ ftp }) => ftp === '/')?.backend ?? paths[0]?.backend ?? 'main'
  const partner = {
    name: 'acme',
    users: ['acme'],
    certificates: [],
    auth,
    backend,
    root: undefined,
    dialect: {},
    paths,
  }
  const { logIn } = createLogIn({
    partners: [{ ...partner, ...more }],
    backends: new Map([['main', named('main', main)], ['other', named('other', other)], ...others]),
    defaultBackend: 'main',
    backendCharset: 'utf-8',
    parseKey: () => ({ type: 'none' }),
  })
  const place = { address: '127.0.0.1', listener: 'explicit', certificate: undefined, preparation: undefined }
  return (await logIn({ username: 'acme', password: new Secret('secret'), ...place })).files
}

async function names(files: FileSystem, folder: string): Promise<string[]> {
  const found: string[] = []
  for await (const batch of files.list(folder)) found.push(...batch.map(({ name, type }) => `${type} ${name}`))
  return found.sort()
}

async function content(files: FileSystem, name: string): Promise<string> {
  const download = await files.read(name, 0)
  const chunks: Buffer[] = []
  for await (const chunk of download.content) chunks.push(Buffer.from(chunk))
  await download.close()
  return Buffer.concat(chunks).toString()
}

async function store(files: FileSystem, name: string, text: string): Promise<void> {
  const upload = await files.write(name, { kind: 'replace' })
  await new Promise<void>((resolve, reject) => upload.sink.on('error', reject).end(text, resolve))
  await upload.commit()
}

test('listings show the folders of the map beside what is there', async () => {
  const files = await logIn()
  expect(await names(files, '/')).toEqual([
    'directory a',
    'directory fixed',
    'directory in',
    'directory out',
    'file top',
  ])
  expect(await names(files, '/a')).toEqual(['directory deep'])
  expect(await names(files, '/a/deep')).toEqual(['directory shared'])
  expect(await names(files, '/a/deep/shared')).toEqual(['file common'])
  expect(await names(files, '/out')).toEqual(['directory sub', 'file report'])
  await expect(names(files, '/b')).rejects.toMatchObject({ kind: 'notFound' })
})

test('of backends that are tried in turn, the one that is there has the paths of the partner', async () => {
  const paths = [path('/', '/data/acme'), path('/shared', '/data/shared'), path('/out', '/export/acme', 'third')]
  const tried = { backends: ['main', 'other'] }
  other.tree.addDirectory('/data')
  for (const folder of ['/data/acme', '/data/shared']) other.tree.addDirectory(folder)
  other.tree.addFile('/data/acme/top', 'top elsewhere')
  other.tree.addFile('/data/shared/common', 'shared elsewhere')
  const third = new MemoryBackend()
  for (const folder of ['/export', '/export/acme']) third.tree.addDirectory(folder)
  third.tree.addFile('/export/acme/report', 'third')
  const contents = async () => {
    const files = await logIn(paths, tried, [['third', named('third', third)]])
    const found: string[] = []
    for (const name of ['/top', '/shared/common', '/out/report']) found.push(await content(files, name))
    return found
  }
  expect(await contents()).toEqual(['top', 'shared', 'third'])
  away = 'main'
  expect(await contents()).toEqual(['top elsewhere', 'shared elsewhere', 'third'])
  expect(opened).toEqual(['main', 'third', 'main', 'other', 'third'])
})

test('a folder of the map hides what has its name on the backend', async () => {
  main.tree.addDirectory('/data/acme/out')
  main.tree.addFile('/data/acme/out/hidden', 'x')
  const files = await logIn()
  expect((await names(files, '/')).filter((name) => name.endsWith(' out'))).toEqual(['directory out'])
  expect(await names(files, '/out')).toEqual(['directory sub', 'file report'])
})

test('the longest path that fits a name counts, by whole names', async () => {
  main.tree.addDirectory('/data/acme/outer')
  main.tree.addFile('/data/acme/outer/file', 'outer')
  const files = await logIn()
  expect(await content(files, '/outer/file')).toBe('outer')
  expect(await content(files, '/out/report')).toBe('report')
  expect(await content(files, '/a/deep/shared/common')).toBe('shared')
})

test('folders of the map can be entered and told of, also those that are on no backend', async () => {
  const files = await logIn()
  for (const folder of ['/', '/a', '/a/deep', '/a/deep/shared', '/out', '/out/sub']) {
    await files.enter(folder)
    expect(await files.stat(folder)).toMatchObject({ type: 'directory', name: folder.split('/').at(-1) || '/' })
    expect(await files.lstat(folder)).toMatchObject({ type: 'directory' })
  }
  await expect(files.enter('/a/none')).rejects.toMatchObject({ kind: 'notFound' })
  await expect(files.stat('/a/none')).rejects.toMatchObject({ kind: 'notFound' })
})

test('uploads go where the path is', async () => {
  const files = await logIn()
  await store(files, '/in/new', '1')
  await store(files, '/out/sub/new', '2')
  expect(main.content('/data/acme/in/new')?.toString()).toBe('1')
  expect(other.content('/export/acme/sub/new')?.toString()).toBe('2')
})

test('the other backend is entered when it is needed first, and once', async () => {
  const files = await logIn()
  await names(files, '/')
  expect(opened).toEqual(['main'])
  await Promise.all([files.stat('/out'), files.stat('/out/report'), files.lstat('/out/sub')])
  expect(opened).toEqual(['main', 'other'])
})

describe('two paths', () => {
  test('on one backend can be renamed between, linked and copied', async () => {
    const files = await logIn()
    await files.rename('/in/file', '/a/deep/shared/moved')
    expect(main.content('/data/shared/moved')?.toString()).toBe('in')
    await files.copy('/a/deep/shared/common', '/in/copy')
    expect(main.content('/data/acme/in/copy')?.toString()).toBe('shared')
    await files.copy('/fixed/common', '/in/from-fixed')
  })

  test('on two backends cannot, and nothing has happened', async () => {
    const files = await logIn()
    await files.stat('/out')
    const asked: string[] = []
    main.before = other.before = (operation) => void asked.push(operation)
    const across = [
      files.rename('/in/file', '/out/file'),
      files.rename('/out/report', '/report'),
      files.copy('/in/file', '/out/file'),
      files.makeLink('/in/file', '/out/file'),
      files.makeSymlink('/in/file', '/out/link'),
      files.makeSymlink('../in/file', '/out/link'),
    ]
    for (const each of across) await expect(each).rejects.toMatchObject({ kind: 'otherServer' })
    expect(asked).toEqual([])
  })

  test('are kept apart by links as well', async () => {
    main.tree.addLink('/data/acme/to-shared', '/data/shared')
    main.tree.addLink('/data/shared/to-acme', '../acme')
    const files = await logIn()
    for (const link of ['/to-shared/common', '/a/deep/shared/to-acme/top']) {
      await expect(files.stat(link)).rejects.toMatchObject({ kind: 'accessDenied' })
      await expect(files.rename(link, '/in/stolen')).rejects.toMatchObject({ kind: 'accessDenied' })
      await expect(files.rename('/in/file', link)).rejects.toMatchObject({ kind: 'accessDenied' })
    }
    expect(main.content('/data/acme/in/file')?.toString()).toBe('in')
  })
})

test('folders of the map, and those above them, cannot be removed, renamed, made or replaced', async () => {
  const files = await logIn()
  for (const folder of ['/', '/a', '/a/deep', '/a/deep/shared', '/out']) {
    await expect(files.removeDirectory(folder)).rejects.toMatchObject({ kind: 'accessDenied' })
    await expect(files.removeFile(folder)).rejects.toMatchObject({ kind: 'accessDenied' })
    await expect(files.rename(folder, '/in/x')).rejects.toMatchObject({ kind: 'accessDenied' })
    await expect(files.rename('/in/file', folder)).rejects.toMatchObject({ kind: 'accessDenied' })
    await expect(files.makeDirectory(folder)).rejects.toMatchObject({ kind: 'alreadyExists' })
    await expect(files.write(folder, { kind: 'replace' })).rejects.toMatchObject({ kind: 'isADirectory' })
  }
})

test('a path that is read-only says so of its entries and changes nothing', async () => {
  const files = await logIn()
  expect(await files.stat('/fixed/common')).toMatchObject({ readOnly: true })
  expect(await content(files, '/fixed/common')).toBe('shared')
  await expect(files.write('/fixed/new', { kind: 'replace' })).rejects.toMatchObject({ kind: 'readOnly' })
  await expect(files.rename('/fixed/common', '/in/x')).rejects.toMatchObject({ kind: 'readOnly' })
  await expect(files.rename('/in/file', '/fixed/x')).rejects.toMatchObject({ kind: 'readOnly' })
  await expect(files.makeLink('/fixed/common', '/in/x')).rejects.toMatchObject({ kind: 'readOnly' })
  await store(files, '/a/deep/shared/new', 'writable by another path')
})

test('without / there are only the folders of the map', async () => {
  const files = await logIn([path('/in', '/data/acme/in'), path('/out', '/export/acme', 'other')])
  expect(files.home).toBe('/')
  expect(await names(files, '/')).toEqual(['directory in', 'directory out'])
  await files.enter('/')
  expect(await files.stat('/')).toMatchObject({ type: 'directory', name: '/' })
  await expect(files.stat('/data')).rejects.toBeInstanceOf(BackendError)
  await expect(files.write('/file', { kind: 'replace' })).rejects.toMatchObject({ kind: 'accessDenied' })
  await expect(files.makeDirectory('/new')).rejects.toMatchObject({ kind: 'accessDenied' })
})

describe('a backend that only some paths are on', () => {
  test('may be away: the others go on, and it is tried again', async () => {
    const files = await logIn()
    other.before = () => {
      throw failure('unavailable', 'gone')
    }
    await expect(files.stat('/out/report')).rejects.toMatchObject({ kind: 'away' })
    expect(await names(files, '/')).toContain('directory out')
    expect(await content(files, '/top')).toBe('top')
    other.before = () => {}
    expect(await content(files, '/out/report')).toBe('report')
  })

  test('may be lost while it is used, and is entered anew', async () => {
    const files = await logIn()
    await files.stat('/out')
    other.before = () => {
      throw failure('unavailable', 'lost')
    }
    await expect(files.stat('/out/report')).rejects.toMatchObject({ kind: 'away' })
    other.before = () => {}
    await files.stat('/out/report')
    expect(opened).toEqual(['main', 'other', 'other'])
  })

  test('may refuse the login, for which the client is not to blame', async () => {
    other.before = (operation) => {
      if (operation === 'open') throw failure('loginRefused', 'no')
    }
    const files = await logIn()
    await expect(files.stat('/out/report')).rejects.toMatchObject({ kind: 'accessDenied' })
  })
})

test('the end of the login is that of all its backends', async () => {
  const files = await logIn()
  await files.stat('/out')
  await files.close()
  await expect(files.stat('/in')).rejects.toMatchObject({ kind: 'unavailable' })
  await expect(files.stat('/out')).rejects.toBeInstanceOf(BackendError)
  expect(opened).toEqual(['main', 'other'])
})

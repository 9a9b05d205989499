import { beforeEach, describe, expect, test } from 'vitest'
import { FakeSession } from '../support/fake-session.ts'
import { failure } from '../support/memory-backend.ts'

let session: FakeSession
beforeEach(async () => {
  session = await FakeSession.loggedIn()
  session.backend.tree.addFile('/in/a.txt', 'one\ntwo\n')
  session.backend.tree.addDirectory('/out')
  await session.run('CWD /in')
})
const stored = (path: string) => session.backend.content(path)?.toString()

describe('RETR', () => {
  test('sends the file, and says in the 150 how long it is', async () => {
    expect(await session.fetch('RETR a.txt')).toBe('one\ntwo\n')
    expect(session.transfer).toMatchObject({
      verb: 'RETR',
      path: '/in/a.txt',
      mark: 'Opening BINARY mode data connection for a.txt (8 bytes).',
    })
  })

  test('starts at the restart marker, once', async () => {
    await session.run('REST 4')
    expect(await session.fetch('RETR a.txt')).toBe('two\n')
    expect(session.transfer?.mark).toBe('Opening BINARY mode data connection for a.txt (4 bytes).')
    expect(await session.fetch('RETR a.txt')).toBe('one\ntwo\n')
  })

  test('from the end of the file sends nothing, and past it fails', async () => {
    await session.run('REST 8')
    expect(await session.fetch('RETR a.txt')).toBe('')
    await session.run('REST 9')
    await expect(session.run('RETR a.txt')).rejects.toMatchObject({ kind: 'badOffset' })
  })

  test('in TYPE A converts, and restarts at a converted byte', async () => {
    await session.run('TYPE A')
    expect(await session.fetch('RETR a.txt')).toBe('one\r\ntwo\r\n')
    expect(session.transfer?.mark).toBe('Opening ASCII mode data connection for a.txt.')
    await session.run('REST 4')
    expect(await session.fetch('RETR a.txt')).toBe('\ntwo\r\n')
    await session.run(`REST ${64 * 1024 * 1024 + 1}`)
    expect((await session.run('RETR a.txt')).code).toBe(554)
  })

  test('of what is no file fails before the 150', async () => {
    await expect(session.run('RETR /in')).rejects.toMatchObject({ kind: 'isADirectory' })
    await expect(session.run('RETR none')).rejects.toMatchObject({ kind: 'notFound' })
    await expect(session.run('RETR a\rb')).rejects.toMatchObject({ kind: 'invalidName' })
    expect((await session.run('RETR')).code).toBe(501)
    expect(session.transfer).toBeUndefined()
  })

  test('closes the file, also when no data connection comes about or reading fails', async () => {
    session.dataFailure = new Error('no data connection')
    await expect(session.run('RETR a.txt')).rejects.toThrow('no data connection')
    session.dataFailure = undefined
    session.backend.before = (operation) => {
      if (operation === 'readChunk') throw failure('failed')
    }
    await expect(session.run('RETR a.txt')).rejects.toMatchObject({ kind: 'failed' })
    expect(session.backend.openHandles).toBe(0)
  })

  test('that is cancelled ends although the server does not answer', async () => {
    session.backend.before = (operation) => (operation === 'readChunk' ? new Promise(() => {}) : undefined)
    const running = session.run('RETR a.txt')
    await expect.poll(() => session.transfer).toBeDefined()
    if (session.transfer !== undefined && 'cancel' in session.transfer) await session.transfer.cancel()
    expect((await running).code).toBe(226)
    expect(session.backend.openHandles).toBe(0)
  })
})

describe('STOR', () => {
  beforeEach(() => {
    session.upload = Buffer.from('new\r\n')
  })

  test('replaces the file', async () => {
    await session.run('ALLO 5')
    expect((await session.run('STOR a.txt')).code).toBe(226)
    expect(stored('/in/a.txt')).toBe('new\r\n')
    expect(session.declared).toBe(5)
    expect(session.transfer).toMatchObject({
      verb: 'STOR',
      path: '/in/a.txt',
      mark: 'Opening BINARY mode data connection for a.txt.',
      convert: undefined,
    })
  })

  test('in TYPE A converts', async () => {
    await session.run('TYPE A')
    await session.run('STOR a.txt')
    expect(stored('/in/a.txt')).toBe('new\n')
  })

  test.each(['STOR', 'APPE'])('%s with a restart marker goes on from there', async (verb) => {
    await session.run('REST 4')
    await session.run('ALLO 9')
    expect((await session.run(`${verb} a.txt`)).code).toBe(226)
    expect(stored('/in/a.txt')).toBe('one\nnew\r\n')
    expect(session.declared).toBeUndefined()
  })

  test.each(['STOR', 'APPE'])('%s cannot be restarted in TYPE A, nor past the end', async (verb) => {
    await session.run('REST 9')
    await expect(session.run(`${verb} a.txt`)).rejects.toMatchObject({ kind: 'badOffset' })
    await session.run('TYPE A')
    await session.run('REST 4')
    expect((await session.run(`${verb} a.txt`)).code).toBe(554)
    expect(stored('/in/a.txt')).toBe('one\ntwo\n')
  })

  test('APPE goes on at the end, or makes the file', async () => {
    await session.run('APPE a.txt')
    await session.run('APPE fresh')
    expect([stored('/in/a.txt'), stored('/in/fresh')]).toEqual(['one\ntwo\nnew\r\n', 'new\r\n'])
  })

  test('that fails leaves the file as it was', async () => {
    session.backend.before = (operation) => {
      if (operation === 'commit') throw failure('noSpace')
    }
    await expect(session.run('STOR a.txt')).rejects.toMatchObject({ kind: 'noSpace' })
    expect(stored('/in/a.txt')).toBe('one\ntwo\n')
    expect(session.backend.openHandles).toBe(0)
  })

  test('fails before the 150 where no file can be', async () => {
    await expect(session.run('STOR /out')).rejects.toMatchObject({ kind: 'isADirectory' })
    await expect(session.run('STOR /none/x')).rejects.toMatchObject({ kind: 'notFound' })
    expect(session.transfer).toBeUndefined()
  })

  test('makes a rename that was begun void', async () => {
    await session.run('RNFR a.txt')
    await session.run('STOR b.txt')
    expect((await session.run('RNTO c.txt')).code).toBe(503)
  })
})

describe('STOU', () => {
  beforeEach(() => {
    session.upload = Buffer.from('x')
  })

  test('finds a free name and tells it in both replies', async () => {
    const names: string[] = []
    for (let i = 0; i < 3; i++) {
      const { lines } = await session.run('STOU scan.pdf')
      names.push(lines[0] ?? '')
      expect(session.transfer?.mark).toBe(lines[0]?.replace('Transfer complete; unique file name', 'FILE'))
    }
    expect(names).toEqual(
      ['scan.pdf', 'scan.pdf.1', 'scan.pdf.2'].map((name) => `Transfer complete; unique file name: ${name}`),
    )
    expect(stored('/in/scan.pdf.2')).toBe('x')
  })

  test('without a name makes one', async () => {
    const { lines } = await session.run('STOU')
    const name = /unique file name: (ftp\.[0-9a-f]{8})$/.exec(lines[0] ?? '')?.[1]
    expect(stored(`/in/${name}`)).toBe('x')
  })

  test('gives up after 100 names, and cannot be restarted', async () => {
    session.backend.before = (operation) => {
      if (operation === 'write') throw failure('alreadyExists')
    }
    expect((await session.run('STOU x')).code).toBe(450)
    await session.run('REST 1')
    expect((await session.run('STOU x')).code).toBe(550)
  })

  test('does not take another failure for a name in use', async () => {
    await expect(session.run('STOU /none/x')).rejects.toMatchObject({ kind: 'notFound' })
  })
})

test('ABOR answers 226 when it stopped a transfer and 225 when there was none', async () => {
  expect((await session.run('ABOR')).code).toBe(225)
  session.transferring = true
  expect((await session.run('ABOR')).code).toBe(226)
})

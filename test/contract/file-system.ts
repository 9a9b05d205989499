import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Backend, Credentials, Entry, FileSystem, Upload } from '../../src/backend/backend.ts'

/** What a backend kind brings to the contract suite. */
export interface Candidate {
  readonly backend: Backend
  readonly credentials: Credentials
  /** A login that must be refused. */
  readonly badCredentials: Credentials
  /** An existing, empty directory of the login. */
  readonly directory: string
  close(): Promise<void>
}

/** The storage contract (src/backend/backend.ts) as sentences; every backend kind must make all of them true. */
export function fileSystemContract(name: string, start: () => Promise<Candidate>): void {
  let candidate: Candidate
  let files: FileSystem
  let at: (name: string) => string

  beforeAll(async () => {
    candidate = await start()
    files = await candidate.backend.open(candidate.credentials)
    at = (path) => `${candidate.directory}/${path}`
  })
  afterAll(async () => {
    await files?.close()
    await candidate?.close()
  })
  const it = (sentence: string, body: () => Promise<void>) => test(`${name}: ${sentence}`, body)

  async function put(
    path: string,
    content: Buffer | string,
    mode: Parameters<FileSystem['write']>[1] = { kind: 'replace' },
  ) {
    const upload = await files.write(path, mode)
    await fill(upload, content)
    await upload.commit()
  }
  async function get(path: string, start = 0): Promise<Buffer> {
    const download = await files.read(path, start)
    const chunks: Buffer[] = []
    for await (const chunk of download.content) chunks.push(chunk)
    await download.close()
    return Buffer.concat(chunks)
  }
  async function names(path: string): Promise<string[]> {
    const entries: Entry[] = []
    for await (const batch of files.list(path)) entries.push(...batch)
    return entries.map((entry) => entry.name).sort()
  }

  it('bad credentials are refused as loginRefused', async () => {
    await expect(candidate.backend.open(candidate.badCredentials)).rejects.toMatchObject({ kind: 'loginRefused' })
  })

  it('home is an absolute path of a directory', async () => {
    expect(files.home).toMatch(/^\//)
    expect((await files.stat(files.home)).type).toBe('directory')
  })

  for (const size of [0, 1, 32_768, 261_120, 261_121, 3_000_000]) {
    it(`${size} bytes come back as they were stored`, async () => {
      const content = Buffer.alloc(size, 'contract ')
      await put(at(`size-${size}`), content)
      expect((await get(at(`size-${size}`))).equals(content)).toBe(true)
      expect(await files.stat(at(`size-${size}`))).toMatchObject({ type: 'file', size })
    })
  }

  it('reading starts where it is told to, up to the very end', async () => {
    await put(at('offsets'), '0123456789')
    expect(String(await get(at('offsets'), 4))).toBe('456789')
    expect(String(await get(at('offsets'), 10))).toBe('')
    await expect(files.read(at('offsets'), 11)).rejects.toMatchObject({ kind: 'badOffset' })
  })

  it('an upload shows under its name only after the commit', async () => {
    const upload = await files.write(at('late'), { kind: 'replace' })
    await fill(upload, 'text')
    await expect(files.stat(at('late'))).rejects.toMatchObject({ kind: 'notFound' })
    expect(await names(candidate.directory)).not.toContain('late')
    await upload.commit()
    expect(String(await get(at('late')))).toBe('text')
  })

  it('an abandoned upload leaves the old file and nothing else', async () => {
    await put(at('kept'), 'old')
    const before = await names(candidate.directory)
    const upload = await files.write(at('kept'), { kind: 'replace' })
    await fill(upload, 'new')
    await upload.abandon()
    await upload.abandon()
    expect(String(await get(at('kept')))).toBe('old')
    expect(await names(candidate.directory)).toEqual(before)
  })

  it('an upload that was cut cannot be committed', async () => {
    const upload = await files.write(at('cut'), { kind: 'replace' })
    upload.sink.on('error', () => {})
    upload.sink.write(Buffer.from('half'))
    upload.sink.destroy()
    await expect(upload.commit()).rejects.toMatchObject({ kind: 'failed' })
    await upload.abandon()
    await expect(files.stat(at('cut'))).rejects.toMatchObject({ kind: 'notFound' })
  })

  it('two uploads of one name do not mix: the later commit wins whole', async () => {
    const first = await files.write(at('twice'), { kind: 'replace' })
    const second = await files.write(at('twice'), { kind: 'replace' })
    await fill(first, 'first, and longer')
    await fill(second, 'second')
    await first.commit()
    expect(String(await get(at('twice')))).toBe('first, and longer')
    await second.commit()
    expect(String(await get(at('twice')))).toBe('second')
  })

  it('append goes on at the end, restart at its offset', async () => {
    await put(at('grown'), 'one ')
    await put(at('grown'), 'two ', { kind: 'append' })
    expect(String(await get(at('grown')))).toBe('one two ')
    await put(at('grown'), 'six', { kind: 'restart', offset: 4 })
    expect(String(await get(at('grown')))).toBe('one six ')
    await expect(files.write(at('grown'), { kind: 'restart', offset: 9 })).rejects.toMatchObject({ kind: 'badOffset' })
  })

  it('append makes a file that is not there', async () => {
    await put(at('from-nothing'), 'x', { kind: 'append' })
    expect(String(await get(at('from-nothing')))).toBe('x')
  })

  it('a unique upload does not replace anything', async () => {
    await put(at('only'), 'old')
    await expect(files.write(at('only'), { kind: 'unique' })).rejects.toMatchObject({ kind: 'alreadyExists' })
    await put(at('only-2'), 'new', { kind: 'unique' })
    expect(String(await get(at('only-2')))).toBe('new')
  })

  it('the mode of a replaced file is kept', async () => {
    await put(at('mode'), 'old')
    await files.setMode(at('mode'), 0o640)
    await put(at('mode'), 'new')
    expect(await files.stat(at('mode'))).toMatchObject({ mode: 0o640, size: 3 })
  })

  it('what is missing is notFound', async () => {
    await expect(files.stat(at('missing'))).rejects.toMatchObject({ kind: 'notFound' })
    await expect(files.read(at('missing'), 0)).rejects.toMatchObject({ kind: 'notFound' })
    await expect(files.removeFile(at('missing'))).rejects.toMatchObject({ kind: 'notFound' })
    await expect(files.rename(at('missing'), at('x'))).rejects.toMatchObject({ kind: 'notFound' })
    await expect(names(at('missing'))).rejects.toMatchObject({ kind: 'notFound' })
    await expect(files.write(at('missing/x'), { kind: 'replace' })).rejects.toMatchObject({ kind: 'notFound' })
  })

  it('a directory is not a file, and a file is not a directory', async () => {
    await files.makeDirectory(at('directory'))
    await put(at('file'), 'x')
    await expect(files.read(at('directory'), 0)).rejects.toMatchObject({ kind: 'isADirectory' })
    await expect(files.write(at('directory'), { kind: 'replace' })).rejects.toMatchObject({ kind: 'isADirectory' })
    await expect(files.removeFile(at('directory'))).rejects.toMatchObject({ kind: 'isADirectory' })
    await expect(names(at('file'))).rejects.toMatchObject({ kind: 'notADirectory' })
    await expect(files.enter(at('file'))).rejects.toMatchObject({ kind: 'notADirectory' })
    await expect(files.enter(at('missing'))).rejects.toMatchObject({ kind: 'notFound' })
    await files.enter(at('directory'))
    await files.enter('/')
  })

  it('directories are made once and removed when they are empty', async () => {
    await files.makeDirectory(at('made'))
    await expect(files.makeDirectory(at('made'))).rejects.toMatchObject({ kind: 'alreadyExists' })
    await put(at('made/child'), 'x')
    await expect(files.removeDirectory(at('made'))).rejects.toMatchObject({ kind: 'directoryNotEmpty' })
    await files.removeFile(at('made/child'))
    await files.removeDirectory(at('made'))
    await expect(files.stat(at('made'))).rejects.toMatchObject({ kind: 'notFound' })
  })

  it('a rename replaces an existing file, and to itself changes nothing', async () => {
    await put(at('source'), 'new')
    await put(at('target'), 'old')
    await files.rename(at('source'), at('target'))
    expect(String(await get(at('target')))).toBe('new')
    await expect(files.stat(at('source'))).rejects.toMatchObject({ kind: 'notFound' })
    await files.rename(at('target'), at('target'))
    expect(String(await get(at('target')))).toBe('new')
  })

  it('modification times and modes are set and read back', async () => {
    await put(at('stamped'), 'x')
    await files.setModified(at('stamped'), 1_000_000_000)
    await files.setMode(at('stamped'), 0o600)
    expect(await files.stat(at('stamped'))).toMatchObject({ modified: 1_000_000_000, mode: 0o600 })
  })

  it('names are bytes: what is not UTF-8 is listed, read, renamed and removed as it is', async () => {
    for (const name of [
      'f\xfcr \xff.txt',
      ' leading',
      'trailing ',
      '-dash',
      'quo"te',
      "it's",
      '*?[',
      '\\',
      'n'.repeat(255),
    ]) {
      await put(at(name), name)
      expect(await names(candidate.directory)).toContain(name)
      expect(String(await get(at(name)))).toBe(Buffer.from(name).toString())
      await files.rename(at(name), at('renamed'))
      await files.removeFile(at('renamed'))
    }
  })

  it('a large directory is listed completely', async () => {
    await files.makeDirectory(at('many'))
    const wanted = Array.from({ length: 450 }, (_, i) => `file-${String(i).padStart(4, '0')}`)
    await Promise.all(wanted.map((name) => put(at(`many/${name}`), '')))
    expect(await names(at('many'))).toEqual(wanted)
  })

  it('a listing that is not read to its end leaves nothing behind', async () => {
    for await (const batch of files.list(at('many'))) if (batch.length > 0) break
    expect(await names(at('many'))).toHaveLength(450)
  })

  it('an upload that is open when its login ends fails, and harms nothing else', async () => {
    const other = await candidate.backend.open(candidate.credentials)
    const upload = await other.write(at('orphan'), { kind: 'replace' })
    await other.close()
    await new Promise(setImmediate)
    await expect(upload.commit()).rejects.toThrow()
    await upload.abandon()
    await expect(files.stat(at('orphan'))).rejects.toMatchObject({ kind: 'notFound' })
  })

  it('after close every operation fails as unavailable', async () => {
    const other = await candidate.backend.open(candidate.credentials)
    await other.close()
    await other.close()
    await expect(other.stat('/')).rejects.toMatchObject({ kind: 'unavailable' })
  })
}

async function fill(upload: Upload, content: Buffer | string): Promise<void> {
  const bytes = Buffer.from(content)
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 16_384) chunks.push(bytes.subarray(at, at + 16_384))
  await pipeline(Readable.from(chunks), upload.sink)
}

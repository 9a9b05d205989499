import { expect } from 'vitest'
import { type Feature, ofKind, type Suite } from '../suite.ts'

export const changes: Feature = {
  name: 'Directories, renaming, removing, attributes',
  tell(suite) {
    tellDirectories(suite)
    tellRenames(suite)
    tellAttributes(suite)
    const { it } = suite

    it('a file is removed, a link without what it names', async () => {
      const { candidate, files, at, names } = suite.world
      candidate.disk.directory('bin')
      candidate.disk.file('bin/file', 'x')
      candidate.disk.link('bin/link', 'file')
      await files.removeFile(at('bin/link'))
      expect(await names(at('bin'))).toEqual(['file'])
      await files.removeFile(at('bin/file'))
      expect(await names(at('bin'))).toEqual([])
    })

    it('removing what is missing is notFound, a directory as a file isADirectory', async () => {
      const { candidate, files, at } = suite.world
      candidate.disk.directory('no-file')
      await expect(files.removeFile(at('missing'))).rejects.toMatchObject(ofKind('notFound'))
      await expect(files.removeFile(at('no-file'))).rejects.toMatchObject(ofKind('isADirectory'))
    })
  },
}

function tellDirectories(suite: Suite): void {
  const { it } = suite

  it('directories are made once and removed when they are empty', async () => {
    const { candidate, files, at } = suite.world
    await files.makeDirectory(at('made'))
    await expect(files.makeDirectory(at('made'))).rejects.toMatchObject(ofKind('alreadyExists'))
    candidate.disk.file('made/child', 'x')
    await expect(files.removeDirectory(at('made'))).rejects.toMatchObject(ofKind('directoryNotEmpty'))
    await files.removeFile(at('made/child'))
    await files.removeDirectory(at('made'))
    await expect(files.stat(at('made'))).rejects.toMatchObject(ofKind('notFound'))
  })

  it('a directory is not made below what is missing, nor in place of a file', async () => {
    const { candidate, files, at } = suite.world
    candidate.disk.file('in-the-way', 'x')
    await expect(files.makeDirectory(at('missing/x'))).rejects.toMatchObject(ofKind('notFound'))
    await expect(files.makeDirectory(at('in-the-way'))).rejects.toMatchObject(ofKind('alreadyExists'))
    await expect(files.removeDirectory(at('missing'))).rejects.toMatchObject(ofKind('notFound'))
    await expect(files.removeDirectory(at('in-the-way'))).rejects.toMatchObject(ofKind('notADirectory'))
  })
}

function tellRenames(suite: Suite): void {
  const { it } = suite

  it('a rename replaces an existing file, and to itself changes nothing', async () => {
    const { candidate, files, at, get } = suite.world
    candidate.disk.file('source', 'new')
    candidate.disk.file('target', 'old')
    await files.rename(at('source'), at('target'))
    expect(String(await get(at('target')))).toBe('new')
    await expect(files.stat(at('source'))).rejects.toMatchObject(ofKind('notFound'))
    await files.rename(at('target'), at('target'))
    expect(String(await get(at('target')))).toBe('new')
  })

  it('a rename leaves nothing beside the new name', async () => {
    const { candidate, files, at, names } = suite.world
    candidate.disk.directory('swap')
    candidate.disk.file('swap/from', 'new')
    candidate.disk.file('swap/to', 'old')
    await files.rename(at('swap/from'), at('swap/to'))
    expect(await names(at('swap'))).toEqual(['to'])
  })

  it('a directory is renamed with its content, into another directory too', async () => {
    const { candidate, files, at, get } = suite.world
    candidate.disk.directory('moved')
    candidate.disk.file('moved/file', 'text')
    candidate.disk.directory('elsewhere')
    await files.rename(at('moved'), at('elsewhere/moved'))
    expect(String(await get(at('elsewhere/moved/file')))).toBe('text')
  })

  it('a rename of what is missing, or into what is missing, is notFound; onto a directory isADirectory', async () => {
    const { candidate, files, at } = suite.world
    candidate.disk.file('mover', 'x')
    candidate.disk.directory('wall')
    await expect(files.rename(at('missing'), at('new'))).rejects.toMatchObject(ofKind('notFound'))
    await expect(files.rename(at('mover'), at('missing/new'))).rejects.toMatchObject(ofKind('notFound'))
    await expect(files.rename(at('mover'), at('wall'))).rejects.toMatchObject(ofKind('isADirectory'))
    expect(String(candidate.disk.content('mover'))).toBe('x')
  })
}

function tellAttributes(suite: Suite): void {
  const { it } = suite

  it('modification times and modes are set and read back', async () => {
    const { candidate, files, at } = suite.world
    candidate.disk.file('stamped', 'x')
    await files.setModified(at('stamped'), 1_000_000_000)
    await files.setMode(at('stamped'), 0o600)
    expect(await files.stat(at('stamped'))).toMatchObject({ modified: 1_000_000_000, mode: 0o600 })
  })

  it('attributes of what is missing are notFound', async () => {
    const { files, at } = suite.world
    await expect(files.setMode(at('missing'), 0o600)).rejects.toMatchObject(ofKind('notFound'))
    await expect(files.setModified(at('missing'), 1)).rejects.toMatchObject(ofKind('notFound'))
  })
}

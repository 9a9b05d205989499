import { constants } from 'node:fs'
import { access, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Problems } from './problems.ts'
import type { Path, Source } from './source.ts'

/** No file that a configuration names is longer, in bytes; a device or a disk image by mistake is. */
const lengthMax = 1024 ** 2

/** The absolute form of a path, which is relative to the file that names it. */
export function resolveFrom(source: Source, path: string): string {
  return resolve(dirname(source.file), path)
}

/** Text of a file; throws Error with the reason in plain words. */
export async function readText(file: string): Promise<string> {
  try {
    const { size, isFile } = await facts(file)
    if (!isFile) throw new Error('is not a file')
    if (size > lengthMax) throw new Error('is longer than 1 MiB')
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(inWords(error), { cause: error })
  }
}

async function facts(file: string): Promise<{ readonly size: number; readonly isFile: boolean }> {
  const found = await stat(file)
  return { size: found.size, isFile: found.isFile() }
}

/** When a file was changed last, in milliseconds since 1970; 0 when nobody knows. */
export async function changeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => Math.floor(mtimeMs),
    () => 0,
  )
}

/** Text of a file that a key names; undefined, and a fault of the key, when it cannot be read or has nothing in it. */
export async function readNamed(
  source: Source,
  key: Path,
  file: string,
  problems: Problems,
  read: (file: string) => Promise<string> = readText,
): Promise<string | undefined> {
  try {
    const text = await read(file)
    if (text.trim() !== '') return text
    problems.add(source, key, `${file} is empty`)
  } catch (error) {
    problems.add(source, key, `${file} ${inWords(error)}`)
  }
  return undefined
}

/**
 * The files that a pattern names, in the order of their names. `*` stands for any characters in the last component;
 * dot files (editors, Kubernetes' `..data`) only match a pattern with a dot. Throws Error with the reason in plain words.
 */
export async function findFiles(pattern: string): Promise<readonly string[]> {
  const [folder, last] = [dirname(pattern), basename(pattern)]
  if (folder.includes('*')) throw new Error('"*" can stand only in the last part of the path')
  if (!last.includes('*')) return [pattern]
  try {
    const names = await readdir(folder)
    return names
      .filter((name) => matches(last, name))
      .sort()
      .map((name) => join(folder, name))
  } catch (error) {
    throw new Error(`${folder} ${inWords(error)}`, { cause: error })
  }
}

function matches(pattern: string, name: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false
  const [first = '', ...others] = pattern.split('*')
  const end = others.pop() ?? ''
  if (name.length < first.length + end.length || !name.startsWith(first) || !name.endsWith(end)) return false
  let rest = name.slice(first.length, name.length - end.length)
  for (const part of others) {
    const found = rest.indexOf(part)
    if (found < 0) return false
    rest = rest.slice(found + part.length)
  }
  return true
}

/** Whether a directory exists; throws Error with the reason in plain words when it does and cannot be used. */
export async function checkDirectory(directory: string): Promise<boolean> {
  try {
    if (!(await stat(directory)).isDirectory()) throw new Error('is not a directory')
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw new Error(inWords(error), { cause: error })
  }
}

/** Makes a directory, with those above it; throws Error with the reason in plain words. */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    // Only the owner: what is kept here says who transfers what.
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new Error(`cannot be made: ${inWords(error)}`, { cause: error })
  }
}

const reasons = new Map([
  ['ENOENT', 'does not exist'],
  ['EACCES', 'may not be read or written by this user'],
  ['EPERM', 'may not be read or written by this user'],
  ['ENOTDIR', 'goes through something that is not a directory'],
  ['EEXIST', 'is not a directory'],
  ['EISDIR', 'is a directory'],
  ['EROFS', 'is on a read-only file system'],
])

/** The reason of a failed file operation, without the path, which the caller names. */
export function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return code === undefined ? error.message : (reasons.get(code) ?? `cannot be used: ${code}`)
}

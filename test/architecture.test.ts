import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { architectureProblems } from './support/architecture.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'architecture-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

/** The problems of a tree that holds these files. */
async function problems(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(join(directory, dirname(file)), { recursive: true })
    await writeFile(join(directory, file), text)
  }
  return architectureProblems(directory)
}

test('The sources keep to their layers, without cycles, foreign packages and long files', () => {
  expect(architectureProblems(join(import.meta.dirname, '../src'))).toEqual([])
})

describe('The check of the architecture', () => {
  test('lets imports go down', async () => {
    const files = {
      'ftp/reply.ts': `import { inspect } from 'node:util'\n`,
      'backend/backend.ts': `import type { Reply } from '../ftp/reply.ts'\n`,
      'backend/sftp/wire.ts': `import ssh2 from 'ssh2'\nimport type { Backend } from '../backend.ts'\n`,
      'observe/log.ts': `import { pino } from 'pino'\nimport type { Observer } from './observer.ts'\n`,
      'observe/observer.ts': '',
      'gateway.ts': `import { wire } from './backend/sftp/wire.ts'\n`,
      'cli/serve.ts': `import { startGateway } from '../gateway.ts'\n`,
      'main.ts': `import { run } from './cli/serve.ts'\n`,
    }
    expect(await problems(files)).toEqual([])
  })

  test.each([
    ['a value', `import { log } from '../observe/log.ts'`],
    ['a type', `import type { Log } from '../observe/log.ts'`],
    ['several lines', `import {\n  log,\n  type Log,\n} from '../observe/log.ts'`],
    ['a side effect', `import '../observe/log.ts'`],
    ['a re-export', `export { log } from '../observe/log.ts'`],
    ['an import call', `const log = await import('../observe/log.ts')`],
    ['an import type', `let log: import('../observe/log.ts').Log`],
  ])('reports a layer that imports upwards by %s', async (_, line) => {
    const files = { 'ftp/reply.ts': `/** A reply. */\n${line}\n`, 'observe/log.ts': '' }
    expect(await problems(files)).toEqual(['ftp/reply.ts imports observe/log.ts, which ftp may not'])
  })

  test('lets a layer see a contract without the rest of its folder', async () => {
    const files = {
      'commands/files.ts': `import type { FileSystem } from '../backend/backend.ts'\nimport '../backend/sftp/wire.ts'\n`,
      'backend/backend.ts': '',
      'backend/sftp/wire.ts': '',
    }
    expect(await problems(files)).toEqual(['commands/files.ts imports backend/sftp/wire.ts, which commands may not'])
  })

  test('reports a contract that leans on what implements it', async () => {
    const files = { 'observe/observer.ts': `import type { Log } from './log.ts'\n`, 'observe/log.ts': '' }
    expect(await problems(files)).toEqual([
      'observe/observer.ts imports observe/log.ts, which observe/observer.ts may not',
    ])
  })

  test('reports a cycle, types included, once and with its way', async () => {
    const files = {
      'ftp/a.ts': `import { b } from './b.ts'\n`,
      'ftp/b.ts': `import { c } from './c.ts'\n`,
      'ftp/c.ts': `import type { A } from './a.ts'\n`,
    }
    expect(await problems(files)).toEqual(['cycle: ftp/a.ts -> ftp/b.ts -> ftp/c.ts -> ftp/a.ts'])
  })

  test('reports a package outside the folder that owns it', async () => {
    expect(await problems({ 'control/session.ts': `import type { Client } from 'ssh2'\n` })).toEqual([
      'control/session.ts imports the package ssh2, which control may not',
    ])
  })

  test('reports a package that nobody owns, and a Node module without its prefix', async () => {
    expect(
      await problems({ 'ftp/a.ts': `import x from '@scope/left-pad/sub'\nimport { join } from 'path'\n` }),
    ).toEqual([
      'ftp/a.ts imports the package @scope/left-pad, which ftp may not',
      'ftp/a.ts imports path without node:',
    ])
  })

  test('reports a file of more than 300 lines', async () => {
    const files = { 'ftp/long.ts': 'export {}\n'.repeat(301), 'ftp/just.ts': 'export {}\n'.repeat(300) }
    expect(await problems(files)).toEqual(['ftp/long.ts has 301 lines, more than 300'])
  })

  test('reports a file that belongs to no layer', async () => {
    expect(await problems({ 'helpers/x.ts': '', 'util.ts': `import 'node:fs'\n` })).toEqual([
      'helpers/x.ts belongs to no layer',
      'util.ts belongs to no layer',
    ])
  })
})

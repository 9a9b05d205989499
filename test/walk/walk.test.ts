import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { processStat } from '../support/processes.ts'
import { stepsOf } from './document.ts'
import { walk } from './walk.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'walked-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const fence = '```'
const typed = (commands: string, shown?: string) =>
  `${fence}sh\n${commands}\n${fence}\n${shown === undefined ? '' : `\n${fence}text\n${shown}\n${fence}\n`}`
const follow = (document: string, stepMs = 10_000) =>
  walk(stepsOf(document), { cwd: folder, folder: mkdtempSync(join(folder, 'typed-')), runFolder: folder, stepMs })

describe('A walk', () => {
  test('is one shell: what one block sets the next one has', async () => {
    await follow(typed('cd /; NAME=there; say() { echo $NAME; }') + typed('pwd; say', '/\nthere'))
  })

  test('ends what it has started', async () => {
    await follow(typed('sleep 1000 & echo $! > pid'))
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'))
    expect(['Z', undefined]).toContain(processStat(pid)?.state)
  })

  test('fails at the first block that is not as shown, and tells where', async () => {
    await expect(follow(typed('echo a', 'a') + typed('echo b', 'c'))).rejects.toThrow(
      /^line 8:[\s\S]*shown: c\nseen: {2}b/,
    )
  })

  test('fails where something is seen that is not shown, or a silent command fails', async () => {
    await expect(follow(typed('echo a'))).rejects.toThrow('seen:  a')
    await expect(follow(typed('false'))).rejects.toThrow('exit code 1')
  })

  test('fails where a command does not end, or ends the shell', async () => {
    await expect(follow(typed('echo begun; sleep 1000', 'begun'), 500)).rejects.toThrow(/does not end[\s\S]*begun/)
    await expect(follow(typed('exit 0') + typed('touch never'))).rejects.toThrow('does not end')
    expect(existsSync(join(folder, 'never'))).toBe(false)
  })
})

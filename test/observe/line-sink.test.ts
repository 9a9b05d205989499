import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LineSink } from '../../src/observe/line-sink.ts'
import { runOk } from '../support/run.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'line-sink-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

async function withFile(path: string, use: (sink: LineSink) => Promise<void>): Promise<void> {
  const fd = openSync(path, 'w')
  try {
    await use(new LineSink(fd))
  } finally {
    closeSync(fd)
  }
}

describe('The sink of log lines', () => {
  test('writes every line in its order', async () => {
    const path = join(directory, 'log')
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`)
    await withFile(path, async (sink) => {
      for (const [i, line] of lines.entries()) {
        sink.write(line)
        if (i % 5000 === 0) await sink.flush()
      }
      await sink.flush()
      expect(sink.takeDropped()).toBe(0)
    })
    expect(await readFile(path, 'utf8')).toBe(lines.join(''))
  })

  test('gives lines up on a full disk, says how many, and goes on', async () => {
    await withFile('/dev/full', async (sink) => {
      sink.write('one\n')
      sink.write('two\n')
      await sink.flush()
      sink.write('three\n')
      await sink.flush()
      expect(sink.takeDropped()).toBe(3)
      expect(sink.takeDropped()).toBe(0)
      sink.write('four\n')
      sink.flushNow()
    })
  })

  test('ends what a full disk has left of a line before it goes on', async () => {
    const disk = join(directory, 'disk')
    await mkdir(disk)
    await runOk('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', disk])
    try {
      const [path, filler] = [join(disk, 'log'), join(disk, 'filler')]
      await writeFile(filler, Buffer.alloc(4096))
      await withFile(path, async (sink) => {
        sink.write(`${'x'.repeat(3000)}\n`)
        await sink.flush()
        expect(sink.failing).toBe(false)
        sink.write(`${'y'.repeat(3000)}\n`)
        await sink.flush()
        expect(sink.failing).toBe(true)
        await rm(filler)
        sink.write('whole\n')
        await sink.flush()
        expect(sink.failing).toBe(false)
        expect(sink.takeDropped()).toBe(1)
      })
      const [first, torn, last, end] = (await readFile(path, 'utf8')).split('\n')
      expect([first, torn, last, end]).toEqual(['x'.repeat(3000), 'y'.repeat(1095), 'whole', ''])
    } finally {
      await runOk('umount', [disk])
    }
  })

  test('keeps no more than 16 MiB for a reader that does not read, and does not wait for it', async () => {
    const pipe = join(directory, 'pipe')
    await runOk('mkfifo', [pipe])
    const reader = spawn('sh', ['-c', 'exec sleep 600 < "$0"', pipe], { stdio: 'ignore' })
    const fd = openSync(pipe, 'w')
    try {
      const sink = new LineSink(fd)
      for (let i = 0; i < 20; i++) sink.write('x'.repeat(1024 * 1024))
      expect(sink.takeDropped()).toBe(4)
      const gone = once(reader, 'close')
      reader.kill()
      await gone
      await sink.flush()
      expect(sink.takeDropped()).toBe(16)
    } finally {
      closeSync(fd)
    }
  })

  test('writes at once what waits when the process is about to die', async () => {
    const path = join(directory, 'log')
    await withFile(path, async (sink) => {
      sink.write('last words\n')
      sink.flushNow()
      expect(await readFile(path, 'utf8')).toBe('last words\n')
      await sink.flush()
    })
    expect(await readFile(path, 'utf8')).toBe('last words\n')
  })
})

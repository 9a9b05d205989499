import { expect, test } from 'vitest'
import { fetch, held, inArena, namesOf, noise, outcome, store } from '../support/hostile-sftp/arena.ts'
import { changes } from '../support/hostile-sftp/misdeeds.ts'
import type { Fault } from '../support/hostile-sftp/scenario.ts'

const sessions = 60
const content = noise(300_000)

/** A generator of numbers from 0 to 1, the same for a seed in every run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** An answer with a byte changed, left out, or put in, mostly where the lengths and numbers are. */
function mutated(answer: Buffer, next: () => number): Buffer {
  const at = Math.floor(next() * Math.min(answer.length, 40))
  const byte = Buffer.of(Math.floor(next() * 256))
  const kept = next() < 0.6 ? at + 1 : next() < 0.5 ? at : at + 2
  return Buffer.concat([answer.subarray(0, at), byte, answer.subarray(kept)])
}

/** Answers of one login; about one in ten is spoilt. */
function fuzz(i: number): Fault {
  const next = numbers(i + 1)
  const does = changes((honest) => [next() < 0.1 ? mutated(honest, next) : honest])
  return { on: 'any', nth: 3, times: Number.POSITIVE_INFINITY, login: `victim-${i}`, does }
}

test('answers with random faults end in the right result or in an error of the contract, never in a wrong 226', async () => {
  const faults = Array.from({ length: sessions }, (_, i) => fuzz(i))
  const ended = new Map<string, number>()
  const count = (what: string) => ended.set(what, (ended.get(what) ?? 0) + 1)
  const options = { faults, deadlineMs: 1_500, handlesStay: true }
  await inArena(options, async ({ open, server }) => {
    const run = async (i: number) => {
      const path = `/file-${i}`
      server.tree.addFile(path, 'old content')
      const opening = open(`victim-${i}`)
      count(`login ${await outcome(opening)}`)
      const files = await opening.catch(() => undefined)
      if (!files) return
      for (let round = 0; round < 4; round++) {
        const stored = await outcome(store(files, path, content))
        const whole = held(server, path) === content.toString('latin1')
        if (stored === 'done') expect(whole, `${path} after its commit`).toBe(true)
        else if (!whole) expect(held(server, path)).toBe('old content')
        count(`store ${stored}`)
        count(`fetch ${await outcome(fetch(files, path))}`)
        count(`list ${await outcome(namesOf(files, '/folder'))}`)
        count(`stat ${await outcome(files.stat(path))}`)
      }
    }
    await Promise.all(Array.from({ length: sessions }, (_, i) => run(i)))
  })
  // The faults were neither so many nor so few that nothing was tried.
  for (const what of [
    'login done',
    'store done',
    'store failed',
    'store unavailable',
    'fetch done',
    'list done',
    'stat done',
  ]) {
    expect(ended.get(what), what).toBeGreaterThan(0)
  }
})

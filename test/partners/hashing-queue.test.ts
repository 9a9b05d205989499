import { expect, test } from 'vitest'
import { createHashingQueue } from '../../src/partners/hashing-queue.ts'
import { deferred } from './deferred.ts'

test('only so many tasks run at a time, the others follow in order', async () => {
  const queue = createHashingQueue(2)
  const tasks = Array.from({ length: 5 }, () => deferred<number>())
  const started: number[] = []
  const results = tasks.map(({ promise }, i) =>
    queue.run(() => {
      started.push(i)
      return promise
    }),
  )
  expect(started).toEqual([0, 1])
  tasks[1]?.resolve(1)
  expect(await results[1]).toBe(1)
  expect(started).toEqual([0, 1, 2])
  for (const [i, { resolve }] of tasks.entries()) resolve(i)
  expect(await Promise.all(results)).toEqual([0, 1, 2, 3, 4])
})

test('a task that waited holds its place as well, so that a newcomer waits for it', async () => {
  const queue = createHashingQueue(1)
  const [first, second] = [deferred<void>(), deferred<void>()]
  const running = [queue.run(() => first.promise), queue.run(() => second.promise)]
  first.resolve()
  await running[0]
  let started = false
  const third = queue.run(async () => {
    started = true
  })
  await new Promise(setImmediate)
  expect(started).toBe(false)
  second.resolve()
  await Promise.all([running[1], third])
  expect(started).toBe(true)
})

test('a task that fails gives its place to the next', async () => {
  const queue = createHashingQueue(1)
  const first = queue.run(() => Promise.reject(new Error('broken')))
  const second = queue.run(async () => 'done')
  await expect(first).rejects.toThrow('broken')
  expect(await second).toBe('done')
  expect(await queue.run(async () => 'again')).toBe('again')
})

test('when too many wait the next is told at once to come again', async () => {
  const queue = createHashingQueue(1, 1)
  const { promise, resolve } = deferred<string>()
  const first = queue.run(() => promise)
  const second = queue.run(async () => 'second')
  await expect(queue.run(async () => 'third')).rejects.toMatchObject({ kind: 'unavailable' })
  resolve('first')
  expect(await Promise.all([first, second])).toEqual(['first', 'second'])
})

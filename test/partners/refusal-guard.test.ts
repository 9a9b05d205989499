import { expect, test } from 'vitest'
import { BackendError } from '../../src/backend/backend.ts'
import { RefusalGuard } from '../../src/partners/refusal-guard.ts'
import { deferred } from './deferred.ts'

class Clock {
  ms = 1_000_000
  readonly now = () => this.ms
}

/** Counts what reaches the backend. */
class Door {
  asked = 0
  readonly refuse = async () => {
    this.asked++
    throw new BackendError('loginRefused', 'wrong password')
  }
  readonly open = async () => {
    this.asked++
    return 'in'
  }
  readonly fail = async () => {
    this.asked++
    throw new BackendError('unavailable', 'no answer')
  }
}

const refused = { kind: 'loginRefused' }

async function refuseTwice(guard: RefusalGuard, door: Door, name = 'a'): Promise<void> {
  for (let i = 0; i < 2; i++) await expect(guard.run(name, door.refuse)).rejects.toMatchObject(refused)
}

test('after two refusals within a minute the backend is not asked a third time', async () => {
  const [guard, door] = [new RefusalGuard(), new Door()]
  await refuseTwice(guard, door)
  await expect(guard.run('a', door.open)).rejects.toMatchObject(refused)
  expect(door.asked).toBe(2)
})

test('other accounts are not concerned', async () => {
  const [guard, door] = [new RefusalGuard(), new Door()]
  await refuseTwice(guard, door)
  expect(await guard.run('b', door.open)).toBe('in')
})

test('a minute after the first refusal the backend is asked again, however often the client tried meanwhile', async () => {
  const [clock, door] = [new Clock(), new Door()]
  const guard = new RefusalGuard(clock.now)
  await refuseTwice(guard, door)
  for (let i = 0; i < 5; i++) {
    clock.ms += 10_000
    await expect(guard.run('a', door.open)).rejects.toMatchObject(refused)
  }
  clock.ms += 10_000
  expect(await guard.run('a', door.open)).toBe('in')
})

test('a right password clears the record', async () => {
  const [guard, door] = [new RefusalGuard(), new Door()]
  await expect(guard.run('a', door.refuse)).rejects.toMatchObject(refused)
  expect(await guard.run('a', door.open)).toBe('in')
  await refuseTwice(guard, door)
  expect(door.asked).toBe(4)
})

test('a backend that does not answer has refused nobody', async () => {
  const [guard, door] = [new RefusalGuard(), new Door()]
  for (let i = 0; i < 5; i++) await expect(guard.run('a', door.fail)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(door.asked).toBe(5)
})

test('of many wrong passwords at once two reach the backend', async () => {
  const [guard, door] = [new RefusalGuard(), new Door()]
  const attempts = Array.from({ length: 50 }, () => guard.run('a', door.refuse))
  const results = await Promise.allSettled(attempts)
  expect(results.every(({ status }) => status === 'rejected')).toBe(true)
  expect(door.asked).toBe(2)
})

test('of many right passwords at once all get in, two at a time', async () => {
  const guard = new RefusalGuard()
  const gates = Array.from({ length: 5 }, () => deferred<string>())
  let asked = 0
  const attempts = gates.map(({ promise }) =>
    guard.run('a', () => {
      asked++
      return promise
    }),
  )
  await new Promise(setImmediate)
  expect(asked).toBe(2)
  for (const { resolve } of gates) resolve('in')
  expect(await Promise.all(attempts)).toEqual(['in', 'in', 'in', 'in', 'in'])
})

test('the record holds only so many accounts, those used last', async () => {
  const door = new Door()
  const guard = new RefusalGuard(Date.now, 2)
  for (const name of ['a', 'b', 'c']) await refuseTwice(guard, door, name)
  expect(await guard.run('a', door.open)).toBe('in')
  await expect(guard.run('c', door.open)).rejects.toMatchObject(refused)
})

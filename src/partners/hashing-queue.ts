import { BackendError } from '../backend/backend.ts'

/** Tasks that run a few at a time; the others wait in line. */
export interface HashingQueue {
  /** Runs a task when it is its turn; throws BackendError `unavailable` at once when too many wait. */
  run<T>(task: () => Promise<T>): Promise<T>
}

/**
 * Password hashing runs in libuv's pool, beside file reads and name look-ups: four threads in all, unless
 * UV_THREADPOOL_SIZE says otherwise. Without a limit a burst of logins would hold all of them, and 32 MiB each.
 */
export function createHashingQueue(runningMax = 2, waitingMax = 200): HashingQueue {
  const waiting: (() => void)[] = []
  let running = 0
  return {
    async run(task) {
      if (running < runningMax) running++
      else if (waiting.length < waitingMax) await new Promise<void>((resolve) => waiting.push(resolve))
      else throw new BackendError('unavailable', 'too many logins at once: their passwords wait to be checked')
      try {
        return await task()
      } finally {
        // The place is handed over, not freed, so that nobody slips in between.
        const next = waiting.shift()
        if (next === undefined) running--
        else next()
      }
    },
  }
}

import { afterEach, expect, test, vi } from 'vitest'
import { BackendError } from '../../../src/backend/backend.ts'
import { keepAlive } from '../../../src/backend/sftp/keepalive.ts'

afterEach(() => void vi.useRealTimers())

test('an idle session is asked for something every 30 s, until it ends', () => {
  vi.useFakeTimers()
  let end: ((error: BackendError) => void) | undefined
  const session = {
    idle: true,
    whenDead(callback: (error: BackendError) => void) {
      end = callback
      return () => {}
    },
  }
  const realpath = vi.fn(async () => '/')
  keepAlive({ session, realpath })
  vi.advanceTimersByTime(60_000)
  expect(realpath).toHaveBeenCalledTimes(2)
  session.idle = false
  vi.advanceTimersByTime(60_000)
  expect(realpath).toHaveBeenCalledTimes(2)
  session.idle = true
  end?.(new BackendError('unavailable', 'lost'))
  vi.advanceTimersByTime(60_000)
  expect(realpath).toHaveBeenCalledTimes(2)
})

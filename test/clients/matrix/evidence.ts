import { expect } from 'vitest'
import type { Event } from '../../../src/observe/observer.ts'
import type { Way } from './way.ts'

/** That the client has really come by this way, by what the gateway saw of the sessions of its login. */
export function proveWay(log: readonly Event[], user: string, way: Way): void {
  const logins = log.filter((event) => event.kind === 'login' && event.user === user)
  const sessions = new Set(logins.flatMap((event) => ('session' in event ? [event.session] : [])))
  const ours = log.filter((event) => 'session' in event && event.session !== undefined && sessions.has(event.session))
  expect(sessions.size).toBeGreaterThan(0)
  const version = way.mode === 'off' ? undefined : `TLSv${way.tls}`
  let data = 0
  for (const event of ours) {
    if (event.kind === 'sessionOpened') {
      expect(event).toMatchObject({ listener: way.mode, address: expect.stringContaining(way.host) })
    } else if (event.kind === 'tls') {
      expect(event).toMatchObject({ outcome: 'ok', version })
    } else if (event.kind === 'dataConnection') {
      expect(event).toMatchObject({ mode: way.data, outcome: 'ok' })
      data++
    } else if (event.kind === 'transfer') {
      expect(event).toMatchObject({ outcome: 'ok' })
      expect(event.tls).toBe(version)
    }
  }
  expect(data).toBeGreaterThan(0)
  expect(log.filter((event) => event.kind === 'bug')).toEqual([])
}

/** The dialogue as the gateway saw it, for the message of a cell that failed. */
export function dialogueOf(log: readonly Event[], user: string): string {
  const sessions = new Set(
    log.flatMap((event) => (event.kind === 'login' && event.user === user ? [event.session] : [])),
  )
  const lines = log.flatMap((event) => {
    if (!('session' in event) || event.session === undefined || !sessions.has(event.session)) return []
    if (event.kind === 'command') return [`${event.verb} ${event.argument} -> ${event.code}`]
    return event.kind === 'dataConnection' || event.kind === 'transfer' ? [`  ${JSON.stringify(event)}`] : []
  })
  return lines.join('\n')
}

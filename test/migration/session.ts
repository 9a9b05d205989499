import type { Event, TransferEvent } from '../../src/observe/observer.ts'

/** What the gateway tells its observer of one session. */
export function sessionEvents(session: string, ...events: readonly (readonly Event[])[]): readonly Event[] {
  return [
    { kind: 'sessionOpened', session, listener: 'explicit', address: '203.0.113.9' },
    ...events.flat(),
    { kind: 'sessionClosed', session, listener: 'explicit', reason: 'quit', seconds: 2 },
  ]
}

export function logsIn(session: string, partner: string, user: string): readonly Event[] {
  return [
    {
      kind: 'login',
      session,
      user,
      partner,
      backend: 'main',
      address: '203.0.113.9',
      outcome: 'ok',
      seconds: 0.1,
    },
  ]
}

/** `STOR`, `TYPE A`, `SITE EXEC=502` (200 where no code is given). */
export function commands(session: string, ...lines: readonly string[]): readonly Event[] {
  return lines.map((line) => {
    const [, verb = '', argument = '', code = '200'] = /^(\S+?)(?: ([^=]*))?(?:=(\d+))?$/.exec(line) ?? []
    return { kind: 'command', session, verb, known: code !== '500', argument, code: Number(code), seconds: 0.01 }
  })
}

export function transfers(session: string, change: Partial<TransferEvent> = {}): readonly Event[] {
  const transfer: TransferEvent = {
    kind: 'transfer',
    session,
    partner: 'acme',
    user: 'acme',
    address: '203.0.113.9',
    verb: 'STOR',
    path: '/in/orders-4711.csv',
    direction: 'upload',
    bytes: 1000,
    seconds: 0.5,
    outcome: 'ok',
    code: 226,
    tls: 'TLSv1.3',
    ...change,
  }
  return [transfer]
}

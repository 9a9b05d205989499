import { describe, expect, test } from 'vitest'
import { BackendError } from '../../../src/backend/backend.ts'
import {
  begun,
  done,
  failed,
  reopened,
  type UploadEvent,
  type UploadState,
} from '../../../src/backend/sftp/upload-state.ts'

const order = [
  'receiving',
  'draining',
  'syncing',
  'measuring',
  'closing',
  'verifying',
  'renaming',
  'committed',
] as const
const events: readonly UploadEvent[] = [
  'endOfData',
  'acknowledged',
  'synced',
  'measured',
  'closed',
  'verified',
  'renamed',
]
const full = new BackendError('noSpace', 'no space left')
const gone = new BackendError('unavailable', 'the backend was lost')
const at = (phase: (typeof order)[number]): UploadState => ({ phase })

test('an upload is committed by seven steps in their order', () => {
  let state = begun
  for (const [i, event] of events.entries()) {
    expect(state.phase).toBe(order[i])
    state = done(state, event)
  }
  expect(state.phase).toBe('committed')
})

describe.each(order)('While it is %s', (phase) => {
  test.each(events)('"%s" leads on where it is the next step, and else ends it', (event) => {
    const state = done(at(phase), event)
    if (events[order.indexOf(phase)] === event) expect(state.phase).toBe(order[order.indexOf(phase) + 1])
    else if (phase === 'committed') expect(state).toEqual({ phase })
    else expect(state).toMatchObject({ phase: 'failed', during: phase, failure: { kind: 'failed' } })
  })

  test('a failure latches, unless it is committed', () => {
    const state = failed(at(phase), full)
    if (phase === 'committed') return expect(state).toEqual({ phase })
    expect(state).toEqual({ phase: 'failed', during: phase, failure: full })
    expect(failed(state, gone)).toBe(state)
    expect(reopened(state)).toBe(state)
    for (const event of events) expect(done(state, event)).toBe(state)
  })
})

test.each([
  ['receiving', 'receiving'],
  ['draining', 'draining'],
  ['syncing', 'syncing'],
  ['measuring', 'syncing'],
  ['closing', 'syncing'],
  ['verifying', 'verifying'],
  ['renaming', 'renaming'],
  ['committed', 'committed'],
] as const)('over another connection an upload that was %s is %s', (before, after) => {
  expect(reopened(at(before))).toEqual({ phase: after })
})

import { BackendError } from '../backend.ts'

/**
 * Where an upload is on its way to be durable under its final name, and what can end each step. What is written over
 * several round trips, or again over another connection, is none of this table's business.
 *
 * | phase       | until                                                                                 |
 * | ----------- | ------------------------------------------------------------------------------------- |
 * | `receiving` | the end of data is authentic                                                          |
 * | `draining`  | every WRITE is acknowledged                                                           |
 * | `syncing`   | the bytes are on disk, where the server can say that                                  |
 * | `measuring` | the size is that of the bytes that came                                               |
 * | `closing`   | CLOSE is acknowledged: quotas and network file systems speak there                    |
 * | `verifying` | it was read again and is the same, where that is wanted                               |
 * | `renaming`  | the final name is its own                                                             |
 * | `committed` | for ever: only this may be answered with 226                                          |
 * | `failed`    | for ever: no success that comes later makes up for it (after ENOSPC, fsync and CLOSE succeed) |
 */
export type UploadState =
  | { readonly phase: Exclude<UploadPhase, 'failed'> }
  | { readonly phase: 'failed'; readonly during: UploadPhase; readonly failure: BackendError }

export type UploadPhase = keyof typeof ways | 'failed'

export type UploadEvent = NonNullable<(typeof ways)[keyof typeof ways][0]>

/** What ends a phase, and the phase that another connection leads back to. */
const ways = {
  receiving: ['endOfData', 'draining', 'receiving'],
  draining: ['acknowledged', 'syncing', 'draining'],
  syncing: ['synced', 'measuring', 'syncing'],
  measuring: ['measured', 'closing', 'syncing'],
  closing: ['closed', 'verifying', 'syncing'],
  verifying: ['verified', 'renaming', 'verifying'],
  renaming: ['renamed', 'committed', 'renaming'],
  committed: [undefined, 'committed', 'committed'],
} as const

export const begun: UploadState = { phase: 'receiving' }

/** A step was done. One that is not the next is a fault of ours, and no upload survives that. */
export function done(state: UploadState, event: UploadEvent): UploadState {
  if (state.phase === 'failed') return state
  const [awaited, next] = ways[state.phase]
  if (event === awaited) return { phase: next }
  return failed(state, new BackendError('failed', `an upload that is ${state.phase} was told that it is ${event}`))
}

/** The connection was lost, and the file is open over another one: what was not proven is done again. */
export function reopened(state: UploadState): UploadState {
  return state.phase === 'failed' ? state : { phase: ways[state.phase][2] }
}

/** The first failure stays, and none takes back what was committed. */
export function failed(state: UploadState, failure: BackendError): UploadState {
  if (state.phase === 'failed' || state.phase === 'committed') return state
  return { phase: 'failed', during: state.phase, failure }
}

import { BackendError } from '../backend/backend.ts'
import { DataConnectionError } from './data-error.ts'

/** A failure of a transfer as the callers know it: BackendErrors pass, what the socket says becomes `reset`. */
export function toDataError(error: unknown): DataConnectionError | BackendError {
  if (error instanceof DataConnectionError || error instanceof BackendError) return error
  const why = error instanceof Error ? error.message : 'the client closed the data connection'
  return new DataConnectionError('reset', why, { cause: error })
}

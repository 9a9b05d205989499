import { BackendError } from '../backend/backend.ts'

/** Whether the backend said that nothing has this name. */
export function isNotFound(error: unknown): boolean {
  return error instanceof BackendError && error.kind === 'notFound'
}

export function isAlreadyThere(error: unknown): boolean {
  return error instanceof BackendError && error.kind === 'alreadyExists'
}

export function isNotADirectory(error: unknown): boolean {
  return error instanceof BackendError && error.kind === 'notADirectory'
}

/** Why the gateway could not start: one sentence that names the port, file or backend, and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/** Whatever went wrong while the gateway started, as a StartError with the same sentence. */
export function startError(error: unknown): never {
  throw new StartError(messageOf(error), { cause: error })
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

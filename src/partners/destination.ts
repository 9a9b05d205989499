import { BackendError, type FileSystem } from '../backend/backend.ts'
import type { PartnerConfig } from '../config/config.ts'
import type { Phase } from '../config/migration-config.ts'

/** Where a login goes once its user is known. */
export type Destination =
  /** To the old server; nothing of the login is ours but its TLS. */
  | { readonly kind: 'legacy'; readonly name: string }
  /** To the first of these that is there. */
  | { readonly kind: 'backends'; readonly names: readonly [string, ...string[]] }

export function destinationOf(
  partner: PartnerConfig | undefined,
  usual: string,
  phase: Phase | undefined,
  usualOld = '',
): Destination {
  if (phase === 'legacy') return { kind: 'legacy', name: partner?.legacy ?? usualOld }
  const [first = usual, ...others] = partner?.backends ?? []
  return { kind: 'backends', names: [first, ...others] }
}

/**
 * Opens the first backend that can be reached, trusted and used. What a backend refuses is not tried elsewhere: the next
 * one would be asked with a wrong password, or let in whom the first one has shut out. Nor is a key or password of the
 * gateway's own that is refused: that is a fault to be seen. Throws the first error when none is there.
 */
export async function firstAvailable(
  names: readonly [string, ...string[]],
  open: (backend: string, first: boolean) => Promise<FileSystem>,
): Promise<{ readonly backend: string; readonly files: FileSystem }> {
  let failure: unknown
  for (const [i, backend] of names.entries()) {
    try {
      return { backend, files: await open(backend, i === 0) }
    } catch (error) {
      if (!isAway(error)) throw error
      failure ??= error
    }
  }
  throw failure
}

function isAway(error: unknown): boolean {
  if (!(error instanceof BackendError) || error.kind !== 'unavailable') return false
  return !(error.cause instanceof BackendError && error.cause.kind === 'loginRefused')
}

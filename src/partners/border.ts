import { BackendError, type Entry, type FileSystem } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'

/** Links and `..` on the way; the kernel follows 40 links. */
const stepsMax = 80

/** What a path is about: the entry of its name, or what that leads to where it is a link. */
export type Whose = 'itself' | 'followed'

/** Watches that no path leads out of a folder by the links within it. */
export interface Border {
  /** Throws BackendError `accessDenied` when a path, absolute and below the root, leads elsewhere. */
  check(path: ByteString, whose: Whose): Promise<void>
}

/**
 * SFTP has no way to say "do not follow", so every component is looked at before the server is asked to go there: all at
 * once, in one round trip, and links then one after the other. Nothing is remembered: a folder may have become a link
 * since, by the hand of another session. Somebody with another way to the server can still change it between the look
 * and the step; only the server's own rights or a chroot keep those inside.
 */
export function createBorder(files: Pick<FileSystem, 'lstat' | 'readLink'>, root: ByteString): Border {
  const base = root === '/' ? '' : root
  let physicalRoot: Promise<ByteString> | undefined

  /** Where a link in a folder leads, `..` still in it; undefined for out. */
  async function target(folder: readonly string[], text: ByteString): Promise<string[] | undefined> {
    if (!text.startsWith('/')) return [...folder, ...partsOf(text)]
    const path = `/${partsOf(text).join('/')}`
    const textual = below(base, path)
    if (textual !== undefined) return textual
    physicalRoot ??= resolved(files, base)
    return below(await physicalRoot, path)
  }

  return {
    async check(path, whose) {
      let parts = below(base, path)
      for (let steps = 0; steps <= stepsMax; steps++) {
        if (parts === undefined) throw outside()
        const dots = parts.indexOf('..')
        const followed = dots >= 0 ? dots : whose === 'itself' ? parts.length - 1 : parts.length
        const look = await firstLink(files, base, parts.slice(0, Math.max(followed, 0)))
        if (look === 'missing') return
        if (look !== undefined) {
          const folder = parts.slice(0, look)
          const next = await target(folder, await files.readLink(`${base}/${parts.slice(0, look + 1).join('/')}`))
          parts = next && [...next, ...parts.slice(look + 1)]
        } else if (dots < 0) return
        // All before it are folders and no links, so `..` is what the text says.
        else parts = dots === 0 ? undefined : [...parts.slice(0, dots - 1), ...parts.slice(dots + 1)]
      }
      throw new BackendError('accessDenied', 'too many links one behind the other')
    },
  }
}

function outside(): BackendError {
  return new BackendError('accessDenied', 'a link leads out of the root of the partner')
}

function below(base: ByteString, path: ByteString): string[] | undefined {
  return path === base || path.startsWith(`${base}/`) ? partsOf(path.slice(base.length)) : undefined
}

function partsOf(path: ByteString): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

/** The index of the first component that is a link; undefined when none is; `missing` when one is not there at all. */
async function firstLink(
  files: Pick<FileSystem, 'lstat'>,
  base: ByteString,
  parts: readonly string[],
): Promise<number | 'missing' | undefined> {
  const looks = parts.map((_, i) => files.lstat(`${base}/${parts.slice(0, i + 1).join('/')}`))
  for (const [i, look] of (await Promise.allSettled(looks)).entries()) {
    if (look.status === 'fulfilled') {
      if (isLink(look.value)) return i
    } else if (isMissing(look.reason)) return 'missing'
    else throw look.reason
  }
  return undefined
}

function isLink({ type }: Entry): boolean {
  return type === 'symlink'
}

/** Behind this there is nothing that could be a link. */
function isMissing(error: unknown): boolean {
  return error instanceof BackendError && (error.kind === 'notFound' || error.kind === 'notADirectory')
}

/** The root itself may be behind links: it is the operator's. What cannot be looked at stays as it is written. */
async function resolved(files: Pick<FileSystem, 'lstat' | 'readLink'>, path: ByteString): Promise<ByteString> {
  let parts = partsOf(path)
  for (let steps = 0; steps <= stepsMax; steps++) {
    const at = await firstLink(files, '', parts).catch(() => undefined)
    if (typeof at !== 'number') break
    const text = await files.readLink(`/${parts.slice(0, at + 1).join('/')}`).catch(() => undefined)
    // Not worth more trouble: links by its name as it is written are within all the same.
    if (text === undefined || partsOf(text).includes('..')) break
    parts = [...(text.startsWith('/') ? [] : parts.slice(0, at)), ...partsOf(text), ...parts.slice(at + 1)]
  }
  return `/${parts.join('/')}`
}

import type { ByteString } from './bytes.ts'

/**
 * The absolute, normalised form of a path that a client sent: repeated slashes, `.` and `..` resolved as text, never
 * above the root; `~` and `~/x` start at `home`. `directory` and `home` are absolute and normalised already.
 * Undefined when the path contains CR, LF or NUL: SFTP could carry them, but no reply or listing can.
 */
export function resolve(directory: ByteString, path: ByteString, home: ByteString): ByteString | undefined {
  if (hasLineBreak(path)) return undefined
  if (path === '~' || path.startsWith('~/')) return normalise(`${home}/${path.slice(1)}`)
  return normalise(path.startsWith('/') ? path : `${directory}/${path}`)
}

/** Whether a name contains a byte that would end a line of a reply or listing. */
export function hasLineBreak(path: ByteString): boolean {
  return /[\r\n\0]/.test(path)
}

function normalise(path: ByteString): ByteString {
  const parts: ByteString[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** The directory that holds a path; the root holds itself. */
export function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1))
}

/** The last component of an absolute, normalised path; `/` for the root. */
export function baseName(path: ByteString): ByteString {
  return path === '/' ? path : path.slice(path.lastIndexOf('/') + 1)
}

/** A path below a directory. */
export function join(directory: ByteString, name: ByteString): ByteString {
  return directory === '/' ? `/${name}` : `${directory}/${name}`
}

/** A path as 257 shows it: in quotes, with quotes inside doubled (RFC 959 appendix II). */
export function quote(path: ByteString): ByteString {
  return `"${path.replaceAll('"', '""')}"`
}

import { BackendError, type Entry, type FileSystem } from '../backend/backend.ts'
import { mapped } from '../backend/mapped.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { type Charset, type CharsetName, charsetOf, isAscii, utf8 } from '../ftp/charset.ts'

/** In front of a name that is passed as it is stored. No UTF-8 has this byte, so no client can send such a name. */
const asStored = '\xff'

/**
 * Files whose names are stored in another charset, under names in UTF-8. A stored name that means nothing in its charset,
 * or that would not be written like that again, is carried along unchanged and marked, so that it is taken for no other.
 */
export function storedIn(files: FileSystem, name: CharsetName): FileSystem {
  if (name === 'utf-8') return files
  const charset = charsetOf(name)
  const outward = (path: ByteString) => eachPart(path, (part) => readable(charset, part))
  return mapped(files, {
    inward: (path) => eachPart(path, (part) => writable(charset, part)),
    linkText: (text) => eachPart(text, (part) => writable(charset, part)),
    outward,
    entry: (known) => ({
      ...known,
      name: outward(known.name),
      owner: account(charset, known.owner),
      group: account(charset, known.group),
      ...(known.target !== undefined && { target: outward(known.target) }),
    }),
  })
}

function eachPart(path: ByteString, change: (part: ByteString) => ByteString): ByteString {
  return isAscii(path) ? path : path.split('/').map(change).join('/')
}

function readable(charset: Charset, stored: ByteString): ByteString {
  const text = charset.decode(stored)
  const name = text !== undefined && charset.encode(text) === stored ? utf8.encode(text) : undefined
  return name ?? asStored + stored
}

function writable(charset: Charset, name: ByteString): ByteString {
  if (name.startsWith(asStored)) return name.slice(asStored.length)
  const text = utf8.decode(name)
  const stored = text === undefined ? undefined : charset.encode(text)
  if (stored !== undefined) return stored
  throw new BackendError('invalidName', `the name cannot be written in ${charset.name}, the charset of the backend`)
}

/** Owners and groups are only looked at. */
function account(charset: Charset, stored: Entry['owner']): Entry['owner'] {
  if (stored === undefined || isAscii(stored)) return stored
  const text = charset.decode(stored) ?? stored.replace(/[^\x00-\x7f]/g, '?')
  return utf8.encode(text)
}

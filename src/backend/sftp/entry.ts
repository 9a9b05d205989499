import type { ByteString } from '../../ftp/bytes.ts'
import type { Entry, EntryType } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import type { NameEntry } from './decode.ts'
import { fileKind } from './wire.ts'

/** `drwxr-xr-x  2 owner group …`, as far as it goes; a text of any other form gives nothing. One exec for every name of a listing. */
const longnameForm = /^ *([-dlbcps])[^ ]{9,40}(?: +([^ ]{1,200})(?: +([^ ]{1,200})(?: +([^ ]{1,200}))?)?)?(?: |$)/
const isLinkCount = /^\d{1,9}$/

/** The entry that attributes describe; `longname` is the server's `ls -l` line, a hint for what attributes lack. */
export function entryOf(name: ByteString, attrs: Attrs, longname: ByteString = ''): Entry {
  const hint = longnameForm.exec(longname)
  const links = hint?.[2]
  const type = typeOf(attrs.permissions, hint?.[1])
  const special = type === 'other' ? specialOf(attrs.permissions, hint?.[1]) : undefined
  return {
    name,
    type,
    ...(special !== undefined && { special }),
    size: attrs.size,
    modified: attrs.modified,
    mode: attrs.permissions === undefined ? undefined : attrs.permissions & 0o7777,
    uid: attrs.uid,
    gid: attrs.gid,
    owner: hint?.[3],
    group: hint?.[4],
    links: links !== undefined && isLinkCount.test(links) ? Number(links) : undefined,
  }
}

/** Names that could break out of their directory never leave the backend layer. */
export function isSafeName(name: ByteString): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}

export function entryOfName({ filename, attrs, longname }: NameEntry): Entry {
  return entryOf(filename, attrs, longname)
}

export function isDirectory(attrs: Attrs): boolean {
  return typeOf(attrs.permissions, undefined) === 'directory'
}

/** As far as the server tells: some send only the permission bits. */
export function isFile(attrs: Attrs): boolean {
  return typeOf(attrs.permissions, undefined) === 'file'
}

/** Some servers send only the permission bits: then the first letter of the longname tells, and a file is assumed. */
function typeOf(permissions: number | undefined, hint: string | undefined): EntryType {
  const kind = (permissions ?? 0) & fileKind.mask
  if (kind === fileKind.directory || (kind === 0 && hint === 'd')) return 'directory'
  if (kind === fileKind.symlink || (kind === 0 && hint === 'l')) return 'symlink'
  if (kind === 0) return isSpecial(hint) ? 'other' : 'file'
  return kind === fileKind.regular ? 'file' : 'other'
}

const specials: ReadonlyMap<number, NonNullable<Entry['special']>> = new Map([
  [0o010000, 'p'],
  [0o020000, 'c'],
  [0o060000, 'b'],
  [0o140000, 's'],
])

function isSpecial(letter: string | undefined): letter is NonNullable<Entry['special']> {
  return letter !== undefined && /^[bcps]$/.test(letter)
}

function specialOf(permissions: number | undefined, hint: string | undefined): Entry['special'] {
  const known = specials.get((permissions ?? 0) & fileKind.mask)
  return known ?? (isSpecial(hint) ? hint : undefined)
}

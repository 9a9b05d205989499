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
  return {
    name,
    type: typeOf(attrs.permissions, hint?.[1]),
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

/** Names that could break out of their directory or of a line never leave the backend layer. */
export function isSafeName(name: ByteString): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0\r\n]/.test(name)
}

export function entryOfName({ filename, attrs, longname }: NameEntry): Entry {
  return entryOf(filename, attrs, longname)
}

export function isDirectory(attrs: Attrs): boolean {
  return typeOf(attrs.permissions, undefined) === 'directory'
}

/** Some servers send only the permission bits: then the first letter of the longname tells, and a file is assumed. */
function typeOf(permissions: number | undefined, hint: string | undefined): EntryType {
  const kind = (permissions ?? 0) & fileKind.mask
  if (kind === fileKind.directory || (kind === 0 && hint === 'd')) return 'directory'
  if (kind === fileKind.symlink || (kind === 0 && hint === 'l')) return 'symlink'
  return kind === 0 || kind === fileKind.regular ? 'file' : 'other'
}

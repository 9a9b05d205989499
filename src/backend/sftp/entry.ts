import type { ByteString } from '../../ftp/bytes.ts'
import type { Entry, EntryType } from '../backend.ts'
import type { Attrs } from './attrs.ts'
import type { NameEntry } from './decode.ts'
import { fileKind } from './wire.ts'

/** The entry that attributes describe; `longname` is the server's `ls -l` line, a hint for what attributes lack. */
export function entryOf(name: ByteString, attrs: Attrs, longname: ByteString = ''): Entry {
  const hint = parseLongname(longname)
  return {
    name,
    type: typeOf(attrs.permissions, hint.kind),
    size: attrs.size,
    modified: attrs.modified,
    mode: attrs.permissions === undefined ? undefined : attrs.permissions & 0o7777,
    uid: attrs.uid,
    gid: attrs.gid,
    owner: hint.owner,
    group: hint.group,
    links: hint.links,
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

/** Reads `drwxr-xr-x  2 owner group …`; a text of any other form gives nothing. */
function parseLongname(longname: ByteString) {
  const [mode = '', links = '', owner, group] = longname.slice(0, 200).split(' ').filter(Boolean)
  const kind = mode[0]
  if (mode.length < 10 || kind === undefined || !'-dlbcps'.includes(kind)) return {}
  return { kind, links: /^\d{1,9}$/.test(links) ? Number(links) : undefined, owner, group }
}

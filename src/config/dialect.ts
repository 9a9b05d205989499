import type { Dialect, DialectChanges } from '../ftp/dialect.ts'
import { charset } from './charset-kind.ts'
import * as kinds from './kinds.ts'
import { preset, table, withoutPresets } from './table.ts'

/** The settings that the globals and every partner file have, by the same names; see ftp/dialect.ts. */
export const dialectEntries = {
  upload: { endOfData: preset(kinds.oneOf(['require', 'warn']), 'require') },
  tls: { sessionReuse: preset(kinds.oneOf(['prefer', 'require', 'off']), 'prefer') },
  passive: { peerMustMatch: preset(kinds.oneOf(['control', 'any']), 'control') },
  active: {
    mode: preset(kinds.oneOf(['on', 'off']), 'on'),
    privateAddress: preset(kinds.oneOf(['refuse', 'rewrite']), 'refuse'),
  },
  commands: {
    noop: preset(kinds.oneOf(['after', 'immediate']), 'after'),
    modeZ: preset(kinds.truth, 'false'),
    alloCheck: preset(kinds.truth, 'false'),
    comb: preset(kinds.truth, 'false'),
    rang: preset(kinds.truth, 'false'),
  },
  hash: {
    commands: preset(kinds.oneOf(['on', 'off']), 'on'),
    maxBytes: preset(kinds.size, '1GiB'),
  },
  listing: {
    style: preset(kinds.oneOf(['unix', 'dos']), 'unix'),
    timeZone: preset(kinds.timeZone, 'UTC'),
    hideIds: preset(kinds.truth, 'false'),
    hideDotFiles: preset(kinds.truth, 'false'),
    recursive: preset(kinds.truth, 'false'),
    symlinks: preset(kinds.oneOf(['target', 'slink']), 'target'),
  },
  ascii: {
    convert: preset(kinds.truth, 'true'),
    size: preset(kinds.oneOf(['binary', 'exact', 'deny']), 'binary'),
    lineEnds: preset(kinds.oneOf(['lf', 'crlf']), 'lf'),
    ebcdic: preset(kinds.oneOf(['off', 'ibm1047', 'ibm037']), 'off'),
  },
  names: {
    charset: preset(charset, 'utf-8'),
    backendCharset: preset(charset, 'utf-8'),
    normalize: preset(kinds.oneOf(['none', 'nfc']), 'none'),
  },
}

/** The same in a partner file, where a missing key means what the globals say. */
export const dialectChangeEntries = {
  upload: table(withoutPresets(dialectEntries.upload)),
  tls: table(withoutPresets(dialectEntries.tls)),
  passive: table(withoutPresets(dialectEntries.passive)),
  active: table(withoutPresets(dialectEntries.active)),
  commands: table(withoutPresets(dialectEntries.commands)),
  hash: table(withoutPresets(dialectEntries.hash)),
  listing: table(withoutPresets(dialectEntries.listing)),
  ascii: table(withoutPresets(dialectEntries.ascii)),
  names: table(withoutPresets(dialectEntries.names)),
}

/** The dialect among all that the globals say. */
export function dialectOf({ upload, tls, passive, active, commands, hash, listing, ascii, names }: Dialect): Dialect {
  return {
    upload: { endOfData: upload.endOfData },
    tls: { sessionReuse: tls.sessionReuse },
    passive: { peerMustMatch: passive.peerMustMatch },
    active: { mode: active.mode, privateAddress: active.privateAddress },
    commands,
    hash,
    listing,
    ascii,
    names,
  }
}

/** What a partner's file says otherwise, every group of it: one that is left out here would be read and never used. */
export function dialectChangesOf(values: Required<DialectChanges>): Required<DialectChanges> {
  const { upload, tls, passive, active, commands, hash, listing, ascii, names } = values
  return { upload, tls, passive, active, commands, hash, listing, ascii, names }
}

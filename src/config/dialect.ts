import type { Dialect } from '../ftp/dialect.ts'
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
  commands: { noop: preset(kinds.oneOf(['after', 'immediate']), 'after') },
}

/** The same in a partner file, where a missing key means what the globals say. */
export const dialectChangeEntries = {
  upload: table(withoutPresets(dialectEntries.upload)),
  tls: table(withoutPresets(dialectEntries.tls)),
  passive: table(withoutPresets(dialectEntries.passive)),
  active: table(withoutPresets(dialectEntries.active)),
  commands: table(withoutPresets(dialectEntries.commands)),
}

/** The dialect among all that the globals say. */
export function dialectOf({ upload, tls, passive, active, commands }: Dialect): Dialect {
  return {
    upload: { endOfData: upload.endOfData },
    tls: { sessionReuse: tls.sessionReuse },
    passive: { peerMustMatch: passive.peerMustMatch },
    active: { mode: active.mode, privateAddress: active.privateAddress },
    commands,
  }
}

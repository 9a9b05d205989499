import type { Dialect } from '../ftp/dialect.ts'
import * as kinds from './kinds.ts'
import { preset, table, withoutPresets } from './table.ts'

/** The settings that the globals and every partner file have, by the same names; see ftp/dialect.ts. */
export const dialectEntries = {
  upload: { endOfData: preset(kinds.oneOf(['require', 'warn']), 'require') },
  tls: { sessionReuse: preset(kinds.oneOf(['prefer', 'require', 'off']), 'prefer') },
  commands: { noop: preset(kinds.oneOf(['after', 'immediate']), 'after') },
}

/** The same in a partner file, where a missing key means what the globals say. */
export const dialectChangeEntries = {
  upload: table(withoutPresets(dialectEntries.upload)),
  tls: table(withoutPresets(dialectEntries.tls)),
  commands: table(withoutPresets(dialectEntries.commands)),
}

/** The dialect among all that the globals say. */
export function dialectOf({ upload, tls, commands }: Dialect): Dialect {
  return { upload: { endOfData: upload.endOfData }, tls: { sessionReuse: tls.sessionReuse }, commands }
}

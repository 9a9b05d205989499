import { type Conversion, fromNetworkLines, toNetworkLines } from './ascii.ts'
import type { Dialect } from './dialect.ts'
import { ebcdic } from './ebcdic.ts'

const ascii: Conversion = { toNetwork: toNetworkLines, fromNetwork: fromNetworkLines }

/** Undefined where files pass unchanged: so they do also in TYPE A when the backend's lines end like the network's. */
export function conversionOf(type: 'A' | 'I' | 'E', { convert, lineEnds, ebcdic: codePage }: Dialect['ascii']) {
  if (type === 'A') return convert && lineEnds === 'lf' ? ascii : undefined
  return type === 'E' && codePage !== 'off' ? ebcdic(codePage, lineEnds) : undefined
}

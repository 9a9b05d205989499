import { type CharsetName, charsetNames } from '../ftp/charset.ts'
import type { Kind } from './kinds.ts'

/** What operators also call some charsets. */
const otherNames: ReadonlyMap<string, CharsetName> = new Map([
  ['utf8', 'utf-8'],
  ['latin1', 'iso-8859-1'],
  ['latin-1', 'iso-8859-1'],
  ['latin9', 'iso-8859-15'],
  ['sjis', 'shift_jis'],
  ['shift-jis', 'shift_jis'],
  ['cp932', 'shift_jis'],
  ['cp936', 'gbk'],
  ['cp949', 'euc-kr'],
  ['cp950', 'big5'],
])

export const charset: Kind<CharsetName> = {
  expects: 'a charset such as utf-8, windows-1252, iso-8859-15, cp850, koi8-r, shift_jis, gbk or big5',
  words: charsetNames,
  read(text) {
    const name = text.toLowerCase().replace(/^cp(?=125\d$)/, 'windows-')
    return otherNames.get(name) ?? charsetNames.find((known) => known === name)
  },
}

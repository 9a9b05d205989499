import iconv from 'iconv-lite'
import { type ByteString, fromBuffer, toBuffer } from './bytes.ts'

/**
 * The charsets that names may be in. In all of them a byte below 0x80 that is not the second byte of a letter is ASCII,
 * and no letter has a slash or a line end in it: lines and paths can be cut before they are decoded.
 */
export const charsetNames = [
  'utf-8',
  'windows-1250',
  'windows-1251',
  'windows-1252',
  'windows-1253',
  'windows-1254',
  'windows-1255',
  'windows-1256',
  'windows-1257',
  'windows-1258',
  'windows-874',
  'iso-8859-1',
  'iso-8859-2',
  'iso-8859-3',
  'iso-8859-4',
  'iso-8859-5',
  'iso-8859-6',
  'iso-8859-7',
  'iso-8859-8',
  'iso-8859-9',
  'iso-8859-10',
  'iso-8859-11',
  'iso-8859-13',
  'iso-8859-14',
  'iso-8859-15',
  'iso-8859-16',
  'cp437',
  'cp737',
  'cp775',
  'cp850',
  'cp852',
  'cp855',
  'cp857',
  'cp858',
  'cp860',
  'cp861',
  'cp862',
  'cp863',
  'cp865',
  'cp866',
  'cp869',
  'koi8-r',
  'koi8-u',
  'macintosh',
  'shift_jis',
  'euc-jp',
  'gbk',
  'gb18030',
  'big5',
  'euc-kr',
] as const

export type CharsetName = (typeof charsetNames)[number]

export interface Charset {
  readonly name: CharsetName
  /** Undefined when the bytes are not text in this charset. */
  decode(bytes: ByteString): string | undefined
  /** Undefined when the charset has no bytes for some of the text, or none that would be read as the same text. */
  encode(text: string): ByteString | undefined
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const utf8: Charset = {
  name: 'utf-8',
  decode(bytes) {
    try {
      return strictUtf8.decode(toBuffer(bytes))
    } catch {
      return undefined
    }
  },
  encode(text) {
    const bytes = fromBuffer(Buffer.from(text, 'utf8'))
    return utf8.decode(bytes) === text ? bytes : undefined
  },
}

export function charsetOf(name: CharsetName): Charset {
  if (name === 'utf-8') return utf8
  const read = (bytes: Buffer): string => iconv.decode(bytes, name)
  // iconv-lite writes `?` for what it does not have, some signs as others that look alike, and reads what it cannot write.
  const encode = (text: string): ByteString | undefined => {
    const bytes = iconv.encode(text, name)
    return !text.includes('\ufffd') && read(bytes) === text ? fromBuffer(bytes) : undefined
  }
  return {
    name,
    encode,
    decode(bytes) {
      const text = read(toBuffer(bytes))
      return encode(text) === undefined ? undefined : text
    },
  }
}

/** Whether the bytes are the same text in every charset. */
export function isAscii(bytes: ByteString): boolean {
  return !/[^\x00-\x7f]/.test(bytes)
}

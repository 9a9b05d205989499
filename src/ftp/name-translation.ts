import { type ByteString, toBuffer } from './bytes.ts'
import { type Charset, type CharsetName, charsetOf, isAscii, utf8 } from './charset.ts'

/** What is said about the names of files: by clients, and on the backend. */
export interface NameSettings {
  /** What clients write names in; utf-8 also means whatever they like, where nothing else has to be translated. */
  readonly charset: CharsetName
  /** What names on the backend are written in. */
  readonly backendCharset: CharsetName
  /** nfc: names from clients are composed, since macOS sends letters and accents apart. */
  readonly normalize: 'none' | 'nfc'
}

/** Bytes as the client is shown them. */
export interface Shown {
  readonly bytes: ByteString
  /** Whether they say it all, so that a name that is sent back means the same file; else a `?` stands for what is lost. */
  readonly complete: boolean
}

/** Between what the client writes and UTF-8, in which the gateway works with names where they are translated at all. */
export interface Translation {
  /** What the client writes. */
  readonly charset: CharsetName
  /** Undefined when the bytes mean nothing in the client's charset. */
  fromClient(bytes: ByteString): ByteString | undefined
  toClient(bytes: ByteString): Shown
  /** Whether 0xFF is a letter, which Telnet would take for the start of a command. */
  readonly letter255: boolean
}

/** The translation of a session; undefined where every byte passes as it is. */
export function translationOf({ charset, backendCharset, normalize }: NameSettings): Translation | undefined {
  const composed = normalize === 'nfc' ? (text: string) => text.normalize('NFC') : undefined
  if (charset !== 'utf-8' || backendCharset !== 'utf-8') return between(charsetOf(charset), composed)
  return composed && onlyComposed(composed)
}

function between(client: Charset, composed: (text: string) => string = (text) => text): Translation {
  return {
    charset: client.name,
    letter255: client.decode('\xff') !== undefined,
    fromClient(bytes) {
      if (isAscii(bytes)) return bytes
      const text = client.decode(bytes)
      return text === undefined ? undefined : utf8.encode(composed(text))
    },
    toClient(bytes) {
      if (isAscii(bytes)) return { bytes, complete: true }
      const text = utf8.decode(bytes)
      const encoded = text === undefined ? undefined : client.encode(text)
      if (encoded === undefined) return { bytes: withMarks(client, bytes), complete: false }
      return { bytes: encoded, complete: composed(text ?? '') === text }
    },
  }
}

/** UTF-8 on both sides. What is not UTF-8 passes as it is. */
function onlyComposed(composed: (text: string) => string): Translation {
  return {
    charset: 'utf-8',
    letter255: false,
    fromClient(bytes) {
      const text = utf8.decode(bytes)
      return text === undefined ? bytes : utf8.encode(composed(text))
    },
    toClient(bytes) {
      const text = utf8.decode(bytes) ?? ''
      return { bytes, complete: composed(text) === text }
    },
  }
}

const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** As much as the client's charset has of it, and one `?` for each letter or faulty byte that it has not. */
function withMarks(client: Charset, bytes: ByteString): ByteString {
  const letters = [...lenientUtf8.decode(toBuffer(bytes))]
  return letters
    .map((letter) => (isAscii(letter) ? letter : letter === '\ufffd' ? '?' : (client.encode(letter) ?? '?')))
    .join('')
}

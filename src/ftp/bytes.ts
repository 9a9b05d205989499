/**
 * A byte string: each char (U+0000 to U+00FF) is one byte. Names travel in this form from the control connection to
 * the backend, so a name in any charset, or in none, arrives unchanged; nothing decodes it but what a person reads.
 */
export type ByteString = string

/** The bytes of a byte string, as they go on the wire. */
export function toBuffer(bytes: ByteString): Buffer {
  return Buffer.from(bytes, 'latin1')
}

/** A byte string of bytes from the wire. */
export function fromBuffer(buffer: Buffer): ByteString {
  return buffer.toString('latin1')
}

/** The UTF-8 bytes of text that people wrote (configuration, code). */
export function fromText(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Upper case of a to z only: `toUpperCase` would also change bytes above 0x7F, which are letters of no known charset. */
export function asciiUpperCase(bytes: ByteString): ByteString {
  return bytes.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The text that the bytes most probably mean: UTF-8 where they are valid UTF-8, else ISO 8859-1. */
export function toText(bytes: ByteString): string {
  try {
    return utf8.decode(toBuffer(bytes))
  } catch {
    return bytes
  }
}

const nameLengthMax = 1000

/** `toText` for logs and terminals: control characters escaped, length bounded, always one line. */
export function printable(bytes: ByteString): string {
  const text = toText(bytes).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return text.length > nameLengthMax ? `${text.slice(0, nameLengthMax)}…` : text
}

import type { ByteString } from '../../ftp/bytes.ts'
import { type Attrs, readAttrs } from './attrs.ts'
import { MalformedMessage, MessageReader } from './message-reader.ts'
import { answer } from './wire.ts'

/** A server's answer, typed by what it carries. */
export type Answer =
  | { readonly type: 'status'; readonly code: number; readonly message: ByteString }
  | { readonly type: 'handle'; readonly handle: Buffer }
  | { readonly type: 'data'; readonly data: Buffer }
  | { readonly type: 'name'; readonly names: readonly NameEntry[] }
  | { readonly type: 'attrs'; readonly attrs: Attrs }
  | { readonly type: 'extended'; readonly reader: MessageReader }

export interface NameEntry {
  readonly filename: ByteString
  /** An `ls -l` line in the server's own format; only a hint. */
  readonly longname: ByteString
  readonly attrs: Attrs
}

/** Handles longer than this are against the draft (section 4.3: at most 256 bytes). */
const handleLengthMax = 256

/** Decodes an answer: byte type, uint32 id, fields. `data` is a view of the message. Throws MalformedMessage. */
export function decodeAnswer(message: Buffer): { readonly id: number; readonly answer: Answer } {
  const reader = new MessageReader(message, 1)
  return { id: reader.u32(), answer: body(message[0], reader) }
}

function body(type: number | undefined, reader: MessageReader): Answer {
  switch (type) {
    case answer.status: {
      const code = reader.u32()
      // Cisco and Maverick servers leave out the text.
      return { type: 'status', code, message: reader.remaining >= 4 ? reader.byteString() : '' }
    }
    case answer.handle: {
      const handle = Buffer.from(reader.string())
      if (handle.length === 0 || handle.length > handleLengthMax)
        throw new MalformedMessage(`handle of ${handle.length} bytes`)
      return { type: 'handle', handle }
    }
    case answer.data:
      return { type: 'data', data: reader.string() }
    case answer.name: {
      const names: NameEntry[] = []
      for (let count = reader.u32(); count > 0; count--) {
        const filename = reader.byteString()
        const longname = reader.byteString()
        // Some servers end the last entry without attributes.
        names.push({ filename, longname, attrs: reader.remaining >= 4 ? readAttrs(reader) : {} })
      }
      return { type: 'name', names }
    }
    case answer.attrs:
      return { type: 'attrs', attrs: readAttrs(reader) }
    case answer.extendedReply:
      return { type: 'extended', reader }
    default:
      throw new MalformedMessage(`message of unknown type ${type}`)
  }
}

/** Decodes VERSION: the version, and the extensions that the server offers by name, with their versions. */
export function decodeVersion(message: Buffer): {
  readonly version: number
  readonly extensions: ReadonlyMap<string, string>
} {
  if (message[0] !== answer.version) throw new MalformedMessage(`expected VERSION, got message type ${message[0]}`)
  const reader = new MessageReader(message, 1)
  const version = reader.u32()
  const extensions = new Map<string, string>()
  while (reader.remaining > 0) extensions.set(reader.byteString(), reader.byteString())
  return { version, extensions }
}

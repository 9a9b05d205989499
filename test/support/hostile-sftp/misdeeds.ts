import { answer, attrFlag, packet, string, u32 } from '../../../src/demo/wire.ts'
import type { Asked, Misdeed } from './scenario.ts'

/** Names for misdeeds, so that a table of cases reads as a table. */

export const silence: Misdeed = { do: 'silence' }
export const closeChannel: Misdeed = { do: 'closeChannel' }
export const lostAtRequest: Misdeed = { do: 'disconnect', after: 'request' }
export const lostInAnswer: Misdeed = { do: 'disconnect', after: 'halfAnswer' }
export const lostWithFarewell: Misdeed = { do: 'disconnect', after: 'farewell' }
export const endOfData: Misdeed = { do: 'endOfData' }

export function failure(code = 4, text = 'Failure'): Misdeed {
  return { do: 'status', code, text }
}
export function bytes(...parts: readonly Buffer[]): Misdeed {
  return { do: 'bytes', bytes: Buffer.concat(parts) }
}
export function answers(type: number, ...body: readonly Buffer[]): Misdeed {
  return { do: 'answer', type, body: Buffer.concat(body) }
}
export function changes(change: (answer: Buffer, asked: Asked) => readonly Buffer[]): Misdeed {
  return { do: 'change', change }
}

export const ok = answers(answer.status, u32(0), string(''), string(''))
export const endOfFile = answers(answer.status, u32(1), string(''), string(''))
export const someHandle = answers(answer.handle, string('h'))
export const someAttrs = answers(answer.attrs, u32(0))
export const twice = changes((honest) => [honest, honest])
export const wrongId = changes((honest) => [withId(honest, 0x7ffffff0)])
/** The honest answer behind another one to a request that nobody made. */
export const besidesUnknownId = changes((honest) => [withId(honest, 0x7ffffff0), honest])

export function data(content: Buffer): Misdeed {
  return answers(answer.data, string(content))
}
/** Attributes as servers send them; the mode tells the kind. */
export function attributes({ size, mode }: { size?: number | bigint; mode?: number }): Buffer {
  const flags = (size === undefined ? 0 : attrFlag.size) | (mode === undefined ? 0 : attrFlag.mode)
  return Buffer.concat([
    u32(flags),
    ...(size === undefined ? [] : [bigU64(BigInt(size))]),
    ...(mode === undefined ? [] : [u32(mode)]),
  ])
}
export function names(entries: readonly (string | { name: string; longname: string })[], attrs = fileAttrs): Misdeed {
  return answers(answer.name, u32(entries.length), ...entries.map((entry) => nameEntry(entry, attrs)))
}
function nameEntry(entry: string | { name: string; longname: string }, attrs: Buffer): Buffer {
  const { name, longname } = typeof entry === 'string' ? { name: entry, longname: '' } : entry
  return Buffer.concat([string(name), string(longname), attrs])
}
export const fileAttrs = attributes({ size: 3, mode: 0o100644 })
export const linkAttrs = attributes({ size: 3, mode: 0o120777 })

export function bigU64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

/** A packet that is told to be so long; nothing, or only a little, follows. */
export function lengthOnly(length: number): Misdeed {
  return bytes(u32(length))
}

function withId(whole: Buffer, id: number): Buffer {
  const other = Buffer.from(whole)
  other.writeUInt32BE(id, 5)
  return other
}

export { answer, packet, string, u32 }

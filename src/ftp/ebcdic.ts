import { type Conversion, toNetworkLines } from './ascii.ts'

export type CodePage = 'ibm1047' | 'ibm037'

/** What the bytes 0 to 255 of a code page are in ISO 8859-1, in hexadecimal. Both are one to one. */
const latin1Of: Readonly<Record<CodePage, string>> = {
  ibm1047:
    '000102039c09867f978d8e0b0c0d0e0f101112139d8508871819928f1c1d1e1f80818283840a171b88898a8b8c050607' +
    '909116939495960498999a9b14159e1a20a0e2e4e0e1e3e5e7f1a22e3c282b7c26e9eaebe8edeeefecdf21242a293b5e' +
    '2d2fc2c4c0c1c3c5c7d1a62c255f3e3ff8c9cacbc8cdcecfcc603a2340273d22d8616263646566676869abbbf0fdfeb1' +
    'b06a6b6c6d6e6f707172aabae6b8c6a4b57e737475767778797aa1bfd05bdeaeaca3a5b7a9a7b6bcbdbedda8af5db4d7' +
    '7b414243444546474849adf4f6f2f3f57d4a4b4c4d4e4f505152b9fbfcf9faff5cf7535455565758595ab2d4d6d2d3d5' +
    '30313233343536373839b3dbdcd9da9f',
  ibm037:
    '000102039c09867f978d8e0b0c0d0e0f101112139d8508871819928f1c1d1e1f80818283840a171b88898a8b8c050607' +
    '909116939495960498999a9b14159e1a20a0e2e4e0e1e3e5e7f1a22e3c282b7c26e9eaebe8edeeefecdf21242a293bac' +
    '2d2fc2c4c0c1c3c5c7d1a62c255f3e3ff8c9cacbc8cdcecfcc603a2340273d22d8616263646566676869abbbf0fdfeb1' +
    'b06a6b6c6d6e6f707172aabae6b8c6a4b57e737475767778797aa1bfd0dddeae5ea3a5b7a9a7b6bcbdbe5b5dafa8b4d7' +
    '7b414243444546474849adf4f6f2f3f57d4a4b4c4d4e4f505152b9fbfcf9faff5cf7535455565758595ab2d4d6d2d3d5' +
    '30313233343536373839b3dbdcd9da9f',
}

/** EBCDIC's new line, line feed and carriage return. */
const nl = 0x15
const eLf = 0x25
const cr = 0x0d
const lf = 0x0a
const nextLine = 0x85

interface Tables {
  readonly toLatin1: Buffer
  readonly toEbcdic: Buffer
}

/** NL ends a line, as LF does here; in the code pages it is U+0085, whose byte takes LF's place so that none is lost. */
function tablesOf(codePage: CodePage): Tables {
  const toLatin1 = Buffer.from(latin1Of[codePage], 'hex')
  toLatin1[nl] = lf
  toLatin1[eLf] = nextLine
  const toEbcdic = Buffer.alloc(256)
  for (const [code, byte] of toLatin1.entries()) toEbcdic[byte] = code
  return { toLatin1, toEbcdic }
}

const made = new Map<string, Conversion>()

/**
 * TYPE E (RFC 959 section 3.1.1.2): EBCDIC on the network, ISO 8859-1 in the file. Lines end with NL towards the client;
 * NL, CR NL and CR LF (0D 25, as some clients send) of the client become the line end of the backend.
 */
export function ebcdic(codePage: CodePage, lineEnds: 'lf' | 'crlf'): Conversion {
  const key = `${codePage} ${lineEnds}`
  const known = made.get(key)
  if (known !== undefined) return known
  const { toLatin1, toEbcdic } = tablesOf(codePage)
  async function* fromNetwork(source: AsyncIterable<Buffer>) {
    const text = translated(unifiedLineEnds(source, cr, [nl, eLf], nl), toLatin1)
    yield* lineEnds === 'crlf' ? toNetworkLines(text) : text
  }
  async function* toNetwork(source: AsyncIterable<Buffer>) {
    yield* translated(unifiedLineEnds(source, cr, [lf], lf), toEbcdic)
  }
  const conversion = { fromNetwork, toNetwork }
  made.set(key, conversion)
  return conversion
}

async function* translated(source: AsyncIterable<Buffer>, table: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) {
    const out = Buffer.allocUnsafe(chunk.length)
    for (let i = 0; i < chunk.length; i++) out[i] = table[chunk[i] ?? 0] ?? 0
    yield out
  }
}

/** CR and one of `ends` behind it become `end`; a CR at the end of a chunk waits for the next byte. */
async function* unifiedLineEnds(
  source: AsyncIterable<Buffer>,
  cr: number,
  ends: readonly number[],
  end: number,
): AsyncGenerator<Buffer, void, undefined> {
  let heldCr = false
  for await (const chunk of source) {
    const out = Buffer.allocUnsafe(chunk.length + 1)
    let length = 0
    for (const byte of chunk) {
      if (heldCr && !ends.includes(byte)) {
        out[length] = cr
        length += 1
      }
      const ended = heldCr && ends.includes(byte)
      heldCr = byte === cr
      if (heldCr) continue
      out[length] = ended ? end : byte
      length += 1
    }
    if (length > 0) yield out.subarray(0, length)
  }
  if (heldCr) yield Buffer.of(cr)
}

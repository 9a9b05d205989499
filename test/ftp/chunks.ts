import fc from 'fast-check'

/** The same bytes in pieces, cut anywhere. */
export function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((at) => at % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...places, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : places[i - 1], end))
}

export const anyCuts = fc.array(fc.nat(), { maxLength: 12 })

/** Bytes in which the given ones are frequent. */
export function bytesWithMany(...frequent: readonly number[]): fc.Arbitrary<Buffer> {
  const byte = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...frequent) }, { weight: 1, arbitrary: fc.nat(255) })
  return fc.array(byte, { maxLength: 60 }).map((bytes) => Buffer.from(bytes))
}

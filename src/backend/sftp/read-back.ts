import { createHash } from 'node:crypto'
import type { ByteString } from '../../ftp/bytes.ts'
import { BackendError } from '../backend.ts'
import { answerBuffers } from './buffer-pool.ts'
import { readAhead } from './capabilities.ts'
import { Reader } from './reader.ts'
import type { TransferParts } from './transfer-parts.ts'
import { openFlag } from './wire.ts'

/** Hexadecimal SHA-256 of a part of a file, as the server gives it out. Throws BackendError where it is shorter than that. */
export async function hashOf(parts: TransferParts, path: ByteString, start: number, length: number): Promise<string> {
  const { client, server, inFlightMax, budget } = parts
  const handle = await client.open(path, openFlag.read)
  const reader = new Reader(
    { client, handle },
    {
      start,
      size: start + length,
      requestBytes: server.can.readBytes,
      inFlightMax: readAhead(server.can, inFlightMax),
      budget,
      learnRequestBytes: (readBytes) => server.learn({ readBytes }),
    },
  )
  const hash = createHash('sha256')
  let left = length
  try {
    if (left > 0) {
      for await (const chunk of reader) {
        const wanted = chunk.subarray(0, left)
        hash.update(wanted)
        left -= wanted.length
        answerBuffers.giveBack(chunk)
        if (left === 0) break
      }
    }
  } finally {
    reader.stop()
    client.close(handle).catch(() => {})
  }
  if (left > 0)
    throw new BackendError('failed', `the backend gives out ${length - left} bytes of ${length} that were sent`)
  return hash.digest('hex')
}

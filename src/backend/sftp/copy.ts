import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackendError } from '../backend.ts'
import { readAhead } from './capabilities.ts'
import { SftpStatusError } from './failures.ts'
import { Reader } from './reader.ts'
import type { TransferParts } from './transfer-parts.ts'
import { extension } from './wire.ts'
import { Writer } from './writer.ts'

/** What the server copies for one request, so that none of them takes longer than a request may. */
const stepBytes = 64 * 1024 * 1024

/** Copies the first `length` bytes between two open files: inside the server where it can, else through the gateway. */
export async function copyInto(parts: TransferParts, from: Buffer, length: number, to: Buffer): Promise<void> {
  const { client } = parts
  if (length === 0) return
  if (client.offers(extension.copyData)) {
    let done = 0
    try {
      for (; done < length; done += stepBytes) {
        await client.copyData(from, done, Math.min(stepBytes, length - done), to, done)
      }
      return
    } catch (error) {
      // It may be offered and not allowed (sftp-server -P); what fails in the middle has another reason.
      if (done > 0 || !(error instanceof SftpStatusError)) throw error
    }
  }
  await copyThrough(parts, from, length, to)
}

async function copyThrough(
  { client, server, inFlightMax, budget }: TransferParts,
  from: Buffer,
  length: number,
  to: Buffer,
): Promise<void> {
  const plan = { start: 0, size: length, inFlightMax: readAhead(server.can, inFlightMax), budget }
  const reader = new Reader(
    { client, handle: from },
    { ...plan, requestBytes: server.can.readBytes, learnRequestBytes: (readBytes) => server.learn({ readBytes }) },
  )
  const writer = new Writer(
    { client, handle: to, queued: () => client.session.queued },
    { start: 0, requestBytes: server.can.writeBytes, inFlightMax, budget, explain: async (error) => error as Error },
  )
  async function* content() {
    let left = length
    for await (const chunk of reader) {
      // The file may have grown meanwhile.
      const wanted = chunk.subarray(0, left)
      left -= wanted.length
      yield wanted
      if (left === 0) return
    }
    if (left > 0) throw new BackendError('failed', 'the file shrank while it was copied')
  }
  try {
    await pipeline(Readable.from(content()), writer)
  } finally {
    reader.stop()
  }
}

import { finished } from 'node:stream/promises'
import { expect } from 'vitest'
import type { FileSystem, Upload } from '../../../src/backend/backend.ts'
import { distinctBytes, largeBytes } from '../contents.ts'
import { type Feature, ofKind, type World } from '../suite.ts'

const name = 'Loss of the server'
const sentence = 'a download and a listing under way, and every call after, fail as unavailable'

/** The server ends: no sentence after this feature finds one. */
export const loss: Feature = {
  name,
  tell(suite) {
    let upload: Upload
    suite.it(sentence, async () => {
      const files = await suite.world.candidate.backend.open(suite.world.candidate.credentials)
      upload = await beginUpload(files, suite.world.at('torn'))
      await loseServer(suite.world)
    })

    suite.it('an upload under way fails as unavailable, and cannot be committed', async () => {
      await expect(finished(upload.sink)).rejects.toMatchObject(ofKind('unavailable'))
      await expect(upload.commit()).rejects.toThrow()
      await upload.abandon('nothing')
    })
  },
}

export const lossWhileReading: Feature = {
  name,
  tell: (suite) => suite.it(sentence, () => loseServer(suite.world)),
}

/** An upload whose first bytes the server has acknowledged. */
async function beginUpload(files: FileSystem, path: string): Promise<Upload> {
  const upload = await files.write(path, { kind: 'replace' })
  await new Promise<void>((resolve, reject) =>
    upload.sink.write(Buffer.alloc(100_000), (error) => (error ? reject(error) : resolve())),
  )
  return upload
}

async function loseServer({ candidate, files, at, names }: World): Promise<void> {
  candidate.disk.file('long', distinctBytes(largeBytes))
  const download = await files.read(at('long'), 0)
  const chunks = download.content[Symbol.asyncIterator]()
  await chunks.next()
  // More than is asked for ahead: the end must not have arrived when the server goes.
  candidate.disk.directory('long-list')
  for (let i = 0; i < 3_000; i++) candidate.disk.file(`long-list/${i}`, '')
  const listing = files.list(at('long-list'))[Symbol.asyncIterator]()
  await listing.next()
  await candidate.cut()

  await expect(drain(chunks)).rejects.toMatchObject(ofKind('unavailable'))
  await expect(drain(listing)).rejects.toMatchObject(ofKind('unavailable'))
  await download.close()
  await expect(files.stat(at('long'))).rejects.toMatchObject(ofKind('unavailable'))
  await expect(names(candidate.directory)).rejects.toMatchObject(ofKind('unavailable'))
  await expect(candidate.backend.open(candidate.credentials)).rejects.toMatchObject(ofKind('unavailable'))
}

async function drain(iterator: AsyncIterator<unknown>): Promise<void> {
  while (!(await iterator.next()).done);
}

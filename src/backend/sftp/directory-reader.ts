import type { Entry } from '../backend.ts'
import type { Capabilities } from './capabilities.ts'
import type { NameEntry } from './decode.ts'
import { entryOfName, isSafeName } from './entry.ts'
import { isPartName } from './part-name.ts'
import type { SftpClient } from './sftp-client.ts'

type Asked = Promise<readonly NameEntry[] | undefined>

/** READDIRs under way in the beginning: most directories end with the second answer. */
const depthStart = 2

/**
 * A directory's entries as they come, and its handle closed at the end. As many READDIRs are under way as the server
 * bears, one more with every answer, so that a large directory does not cost a round trip for every hundred names. A
 * taker that takes its time holds no more answers than that. They are sent several at a time: each packet on its own
 * would cost both sides more than the request.
 */
export async function* readDirectory(
  client: Pick<SftpClient, 'readdir' | 'close'>,
  handle: Buffer,
  { pipelinedReaddir, answersInOrder }: Pick<Capabilities, 'pipelinedReaddir' | 'answersInOrder'>,
): AsyncGenerator<readonly Entry[], void, undefined> {
  const asked: Asked[] = []
  let depth = Math.min(depthStart, pipelinedReaddir)
  const askAhead = () => {
    if (asked.length > depth / 2) return
    while (asked.length < depth) {
      const answer = client.readdir(handle)
      // A failure is thrown where its turn comes; after the end nobody wants to know.
      answer.catch(() => {})
      asked.push(answer)
    }
  }
  try {
    askAhead()
    for (let names = await asked.shift(); names !== undefined; names = await asked.shift()) {
      depth = Math.min(depth + 1, pipelinedReaddir)
      askAhead()
      yield entriesOf(names)
    }
  } finally {
    const closed = client.close(handle).catch(() => {})
    // Where requests are carried out in order, what the client does next comes after the CLOSE anyway.
    if (!answersInOrder) await closed
  }
}

function entriesOf(names: readonly NameEntry[]): readonly Entry[] {
  const entries: Entry[] = []
  for (const name of names) {
    if (isSafeName(name.filename) && !isPartName(name.filename)) entries.push(entryOfName(name))
  }
  return entries
}

import type { ByteString } from '../../ftp/bytes.ts'
import type { Entry } from '../backend.ts'
import type { Capabilities } from './capabilities.ts'
import type { NameEntry } from './decode.ts'
import { entryOfName, isSafeName } from './entry.ts'
import { isPartName } from './part-name.ts'
import type { SftpClient } from './sftp-client.ts'

interface Asked {
  readonly answer: Promise<readonly NameEntry[] | undefined>
  answered: boolean
}

/** READDIRs under way in the beginning, and for a taker that is slower than the server; most directories end with the second answer. */
const depthMin = 2

/**
 * A directory's entries as they come, and its handle closed at the end. Twice as many READDIRs are under way each time
 * that an answer has to be waited for, up to what the server bears, so that a large directory does not cost a round trip
 * for every hundred names; and one fewer each time that all answers were waiting already, so that a slow taker does not
 * keep a heap of them. They are sent several at a time: each packet on its own would cost both sides more than the request.
 */
export async function* readDirectory(
  client: Pick<SftpClient, 'readdir' | 'close'>,
  handle: Buffer,
  { pipelinedReaddir, answersInOrder }: Pick<Capabilities, 'pipelinedReaddir' | 'answersInOrder'>,
  isOwnPart: (name: ByteString) => boolean = () => false,
): AsyncGenerator<readonly Entry[], void, undefined> {
  const asked: Asked[] = []
  let depth = Math.min(depthMin, pipelinedReaddir)
  const askAhead = () => {
    if (asked.length > depth / 2) return
    if (asked.length > 0 && asked.every(({ answered }) => answered))
      depth = Math.max(depth - 1, Math.min(depthMin, depth))
    while (asked.length < depth) asked.push(ask(client, handle))
  }
  try {
    askAhead()
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) {
      if (!next.answered) depth = Math.min(depth * 2, pipelinedReaddir)
      const names = await next.answer
      if (names === undefined) return
      askAhead()
      yield entriesOf(names, isOwnPart)
    }
  } finally {
    const closed = client.close(handle).catch(() => {})
    // Where requests are carried out in order, what the client does next comes after the CLOSE anyway.
    if (!answersInOrder) await closed
  }
}

function ask(client: Pick<SftpClient, 'readdir'>, handle: Buffer): Asked {
  const answer = client.readdir(handle)
  const asked = { answer, answered: false }
  const settle = () => {
    asked.answered = true
  }
  // A failure is thrown where its turn comes; after the end nobody wants to know.
  answer.then(settle, settle)
  return asked
}

/** Partial files of other logins, and of other gateways, are nobody's business. */
function entriesOf(names: readonly NameEntry[], isOwnPart: (name: ByteString) => boolean): readonly Entry[] {
  const entries: Entry[] = []
  for (const name of names) {
    const { filename } = name
    if (isSafeName(filename) && (!isPartName(filename) || isOwnPart(filename))) entries.push(entryOfName(name))
  }
  return entries
}

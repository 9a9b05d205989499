import type { Entry, FileSystem } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { join } from '../ftp/pathname.ts'

/** Links that are looked up at a time for one listing. */
const underWayMax = 32
/** Entries that may wait for the links before them. */
const heldMax = 4000

/** A batch whose links are being looked up. */
interface Ahead {
  readonly entries: Promise<readonly Entry[]>
  readonly length: number
  done: boolean
}

/**
 * The entries with links looked up: where they point (`target`), or what they point to under their own names
 * (`pointedTo`). The order stays; a link that cannot be read stays as it is. Batches are taken ahead while links are looked
 * up, so that 32 are always under way, whether a folder is full of links or has one among a hundred files.
 */
export async function* withLinks(
  batches: AsyncIterable<readonly Entry[]>,
  files: FileSystem,
  directory: ByteString,
  show: 'target' | 'pointedTo',
): AsyncGenerator<readonly Entry[], void, undefined> {
  const limited = atMost(underWayMax)
  const ahead: Ahead[] = []
  let held = 0
  let pending = 0
  let wanted = true
  const lookUp = async (entry: Entry) => {
    pending++
    try {
      return await limited(async () => (wanted ? lookUpLink(files, join(directory, entry.name), entry, show) : entry))
    } finally {
      pending--
    }
  }
  const start = (batch: readonly Entry[]): Ahead => {
    if (!batch.some(isLink)) return { entries: Promise.resolve(batch), length: batch.length, done: true }
    const entries = Promise.all(batch.map((entry) => (isLink(entry) ? lookUp(entry) : entry)))
    const started = { entries, length: batch.length, done: false }
    void entries.then(() => {
      started.done = true
    })
    return started
  }
  const isEnough = ({ done }: Ahead) => done || held > heldMax || (pending >= 2 * underWayMax && ahead.length > 1)
  try {
    for await (const batch of batches) {
      ahead.push(start(batch))
      held += batch.length
      for (let [oldest] = ahead; oldest !== undefined && isEnough(oldest); [oldest] = ahead) {
        ahead.shift()
        yield await oldest.entries
        held -= oldest.length
      }
    }
    for (const { entries } of ahead) yield await entries
  } finally {
    wanted = false
  }
}

function isLink({ type }: Entry): boolean {
  return type === 'symlink'
}

/** Never rejects. */
async function lookUpLink(files: FileSystem, path: ByteString, link: Entry, show: 'target' | 'pointedTo') {
  if (show === 'pointedTo') {
    const entry = await files.stat(path).catch(() => undefined)
    if (entry !== undefined) return { ...entry, name: link.name }
  }
  if (link.target !== undefined) return link
  const target = await files.readLink(path).catch(() => undefined)
  return target === undefined ? link : { ...link, target }
}

/** Runs tasks in their order, so many at a time. */
function atMost(max: number): <V>(task: () => Promise<V>) => Promise<V> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (task) => {
    if (running < max) running++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

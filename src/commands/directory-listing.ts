import type { Entry, FileSystem } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { compileGlob, hasWildcard } from '../ftp/glob.ts'
import type { ListArgument, ListOptions } from '../ftp/list-options.ts'
import { baseName, join, parentOf } from '../ftp/pathname.ts'
import type { User } from './command.ts'
import { isNotADirectory, isNotFound } from './failures.ts'
import { HeldEntries } from './held-entries.ts'

/** Entries, a few hundred at a time. */
type Batches = AsyncIterable<readonly Entry[]>

/** What LIST, NLST, MLSD or STAT shows: opened, so that what can fail at once has failed before the 150. */
export interface Listing {
  readonly kind: 'directory' | 'entry' | 'matches'
  /** What is listed; absolute. */
  readonly path: ByteString
  /** Where the entries are; absolute. */
  readonly directory: ByteString
  /** What NLST puts in front of each name: the directory as the client wrote it, with a slash. */
  readonly prefix: ByteString
  /** The path of `kind` entry as the client wrote it. */
  readonly given: ByteString
  readonly batches: Batches
  /** Ends `batches` after the entries that are on their way; needed also when they were never iterated. */
  close(): Promise<void>
}

/**
 * What the argument of LIST, NLST or STAT names: a directory's entries, one file, or the matches of a pattern in the
 * last component, in this order. Throws BackendError `notFound` for neither.
 */
export async function openListing(user: User, argument: ListArgument): Promise<Listing> {
  // An argument that starts with `-` is a file of that name, if there is one, and options else.
  const literal = argument.literal === undefined ? undefined : await statIfAny(user, argument.literal)
  const path = literal === undefined ? argument.path : argument.literal
  if (path === undefined && !argument.options.itself) return openDirectory(user, undefined)
  const given = path ?? '.'
  try {
    // Most paths are directories: opening one at once saves the round trip of a look at it.
    if (literal === undefined && !argument.options.itself && !hasWildcard(given)) {
      const directory = await openDirectory(user, given).catch(unlessNotADirectory)
      if (directory !== undefined) return directory
    }
    const entry = literal ?? (await user.files.stat(user.resolve(given)))
    if (entry.type === 'directory' && !argument.options.itself) return await openDirectory(user, given)
    return singleEntry(user, given, entry)
  } catch (error) {
    if (!isNotFound(error) || !hasWildcard(given)) throw error
    return await openMatches(user, given)
  }
}

function unlessNotADirectory(error: unknown): undefined {
  if (!isNotADirectory(error)) throw error
}

async function statIfAny(user: User, path: ByteString): Promise<Entry | undefined> {
  return user.files.stat(user.resolve(path)).catch(() => undefined)
}

/** The entries of a directory; of the working directory without a path. */
export async function openDirectory(user: User, given: ByteString | undefined): Promise<Listing> {
  const directory = given === undefined ? user.directory : user.resolve(given)
  const prefix = given === undefined || given === '.' ? '' : withSlash(given)
  const opened = await started(user.files.list(directory))
  return { kind: 'directory', path: directory, directory, prefix, given: given ?? '.', ...opened }
}

function singleEntry(user: User, given: ByteString, entry: Entry): Listing {
  const path = user.resolve(given)
  const name = given === '.' ? given : baseName(path)
  const batches = only({ ...entry, name })
  return { kind: 'entry', path, directory: parentOf(path), prefix: '', given, batches, close: async () => {} }
}

async function* only(entry: Entry): AsyncGenerator<readonly Entry[], void, undefined> {
  yield [entry]
}

async function openMatches(user: User, given: ByteString): Promise<Listing> {
  const slash = given.lastIndexOf('/') + 1
  const prefix = given.slice(0, slash)
  const directory = user.resolve(prefix === '' ? '.' : prefix)
  const { batches, close } = await started(user.files.list(directory))
  const pattern = given.slice(slash)
  const path = join(directory, pattern)
  return { kind: 'matches', path, directory, prefix, given, batches: matching(batches, pattern), close }
}

async function* matching(batches: Batches, pattern: ByteString): AsyncGenerator<readonly Entry[], void, undefined> {
  const matches = compileGlob(pattern)
  for await (const batch of batches) yield batch.filter(({ name }) => matches(name))
}

function withSlash(path: ByteString): ByteString {
  return path.endsWith('/') ? path : `${path}/`
}

/** Waits for the first batch, which is where a directory that cannot be listed fails. */
async function started(source: Batches): Promise<Pick<Listing, 'batches' | 'close'>> {
  const iterator = source[Symbol.asyncIterator]()
  const first = await iterator.next()
  let pulling = false
  let closed = false
  async function* batches(): AsyncGenerator<readonly Entry[], void, undefined> {
    try {
      for (let next = first; next.done !== true && !closed; pulling = false) {
        yield next.value
        pulling = true
        next = await iterator.next()
      }
    } finally {
      await iterator.return?.()
    }
  }
  const close = async () => {
    closed = true
    // A generator that waits for the server ends by itself; waiting for it here would hold back the reply to ABOR.
    if (!pulling) await iterator.return?.()
  }
  return { batches: batches(), close }
}

/** A listing of more entries than this comes in the server's order: sorting it would hold back the first line. */
const sortedMax = 20_000
const batchLength = 500

/** The entries in the order that the options ask for, with `.` and `..` where they do. */
export async function* arranged(
  user: User,
  listing: Listing,
  options: ListOptions,
): AsyncGenerator<readonly Entry[], void, undefined> {
  const dots = options.all && listing.kind === 'directory' ? await dotEntries(user.files, listing.directory) : []
  if (options.sort === 'none') {
    if (dots.length > 0) yield dots
    yield* listing.batches
    return
  }
  let held: HeldEntries | undefined = new HeldEntries()
  for (const entry of dots) held.add(entry)
  for await (const batch of listing.batches) {
    if (held === undefined) {
      yield batch
      continue
    }
    for (const entry of batch) held.add(entry)
    if (held.length <= sortedMax) continue
    yield* inBatches(held, places(held))
    held = undefined
  }
  if (held !== undefined) yield* inBatches(held, places(held).sort(comparator(held, options)))
}

function places({ length }: HeldEntries): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i)
}

async function* inBatches(held: HeldEntries, order: Uint32Array): AsyncGenerator<readonly Entry[], void, undefined> {
  for (let i = 0; i < order.length; i += batchLength) {
    yield Array.from(order.subarray(i, i + batchLength), (place) => held.at(place))
  }
}

async function dotEntries(files: FileSystem, directory: ByteString): Promise<readonly Entry[]> {
  const own = await files.stat(directory)
  const parent = await files.stat(parentOf(directory)).catch(() => own)
  return [
    { ...own, name: '.' },
    { ...parent, name: '..' },
  ]
}

/** As `ls` sorts: by name bytes, newest first, largest first; equal ones by name. */
function comparator(held: HeldEntries, { sort, reverse }: ListOptions): (a: number, b: number) => number {
  const byName = (a: number, b: number) => {
    const [one, other] = [held.nameAt(a), held.nameAt(b)]
    return one < other ? -1 : one > other ? 1 : 0
  }
  const sign = reverse ? -1 : 1
  if (sort !== 'time' && sort !== 'size') return (a, b) => sign * byName(a, b)
  const name = sort === 'time' ? 'modified' : 'size'
  const key = (i: number) => held.numberAt(i, name) ?? 0
  return (a, b) => sign * (key(b) - key(a) || byName(a, b))
}

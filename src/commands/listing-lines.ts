import type { Entry } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { dosLine } from '../ftp/dos-line.ts'
import { facts } from '../ftp/facts.ts'
import { lineSafe, listLine, typeMark } from '../ftp/list-line.ts'
import type { ListOptions } from '../ftp/list-options.ts'
import { hasLineBreak } from '../ftp/pathname.ts'
import { zoneOf } from '../ftp/time-zone.ts'
import type { Session, User } from './command.ts'
import { arranged, type Listing, openDirectory } from './directory-listing.ts'
import { withLinks } from './links.ts'
import { withheldPermissions } from './rights.ts'

/** Lines of a listing, without their ends, a few hundred at a time. */
export type Lines = AsyncGenerator<readonly ByteString[], void, undefined>

/** What lines are made for, and how. */
export interface Show {
  readonly session: Pick<Session, 'dialect' | 'directoryStyle' | 'facts' | 'rights'>
  readonly user: User
  readonly options: ListOptions
}

type MakeLines = (listing: Listing, show: Show) => Lines

/** The lines of LIST and of STAT with a path. */
export function longLines(listing: Listing, show: Show): Lines {
  return recursive(listing, show)
    ? throughTree(listing, show, longLinesOfOne)
    : longLinesOfOne(visible(listing, show), show)
}

/** Names for NLST, so that each one can be given to RETR as it is (`mget dir/*` counts on that). */
export function nameLines(listing: Listing, show: Show): Lines {
  return recursive(listing, show)
    ? throughTree(listing, show, nameLinesOfOne)
    : nameLinesOfOne(visible(listing, show), show)
}

/** MLSD lines. */
export async function* factLines(listing: Listing, { session, user }: Show): Lines {
  const { symlinks, hideIds } = session.dialect.listing
  const show = symlinks === 'slink' ? 'target' : 'pointedTo'
  const withheld = withheldPermissions(session.rights)
  for await (const entries of withLinks(listing.batches, user.files, listing.directory, show)) {
    const shown = entries.filter(({ name }) => !hasLineBreak(name))
    yield shown.map((entry) => `${facts(hideIds ? anonymous(entry) : entry, session.facts, withheld)} ${entry.name}`)
  }
}

/** The entry without whose it is. */
export function anonymous(entry: Entry): Entry {
  return { ...entry, uid: undefined, gid: undefined, owner: undefined, group: undefined }
}

async function* longLinesOfOne(listing: Listing, { session, user, options }: Show): Lines {
  const { timeZone, hideIds } = session.dialect.listing
  const look = { zone: zoneOf(timeZone), hideIds }
  const dos = session.directoryStyle === 'dos'
  const now = Date.now() / 1000
  const line = (entry: Entry) => (dos ? dosLine(entry, options, look.zone) : listLine(entry, now, options, look))
  const show = options.dereference || dos ? 'pointedTo' : 'target'
  for await (const entries of withLinks(arranged(user, listing, options), user.files, listing.directory, show)) {
    yield entries.map(line)
  }
}

async function* nameLinesOfOne(listing: Listing, { user, options }: Show): Lines {
  for await (const entries of arranged(user, listing, options)) {
    const shown = listing.kind === 'entry' ? entries.map((entry) => ({ ...entry, name: listing.given })) : entries
    yield shown
      .filter(({ name }) => !hasLineBreak(name))
      .map((entry) => `${listing.prefix}${entry.name}${typeMark(entry, options.classify)}`)
  }
}

function recursive({ kind }: Listing, { session, options }: Show): boolean {
  return options.recursive && kind === 'directory' && session.dialect.listing.recursive
}

/** The listing without names with a leading dot, where they are hidden and not asked for. */
function visible(listing: Listing, { session, options }: Show): Listing {
  if (!session.dialect.listing.hideDotFiles || options.hidden || listing.kind !== 'directory') return listing
  return { ...listing, batches: withoutDotFiles(listing.batches) }
}

async function* withoutDotFiles(batches: Listing['batches']): AsyncGenerator<readonly Entry[], void, undefined> {
  for await (const batch of batches) yield batch.filter(({ name }) => !name.startsWith('.'))
}

const depthMax = 8
const treeEntriesMax = 10_000

interface Below {
  readonly given: ByteString
  readonly depth: number
}

/**
 * As `ls -R`: a heading, the lines, an empty line, and then each directory in its turn, before the next one on its level.
 * Links are not followed. A directory that cannot be read has its heading and no lines.
 */
async function* throughTree(top: Listing, show: Show, lines: MakeLines): Lines {
  const waiting: Below[] = [{ given: top.given, depth: 1 }]
  let left = treeEntriesMax
  async function* counted(batches: Listing['batches'], directories: ByteString[]) {
    for await (const batch of batches) {
      const entries = batch.slice(0, left)
      left -= entries.length
      for (const { name, type } of entries) if (type === 'directory' && !hasLineBreak(name)) directories.push(name)
      yield entries
      if (left === 0) return
    }
  }
  for (let place = waiting.pop(); place !== undefined && left > 0; place = waiting.pop()) {
    const { given, depth } = place
    yield [...(depth === 1 ? [] : ['']), `${lineSafe(given)}:`]
    const listing = depth === 1 ? top : await openDirectory(show.user, given).catch(() => undefined)
    if (listing === undefined) continue
    const found: ByteString[] = []
    try {
      yield* lines({ ...listing, prefix: '', batches: counted(visible(listing, show).batches, found) }, show)
    } finally {
      await listing.close()
    }
    if (depth === depthMax) continue
    // The last one is taken first.
    const base = given.endsWith('/') ? given : `${given}/`
    for (const name of found.sort().reverse()) waiting.push({ given: `${base}${name}`, depth: depth + 1 })
  }
}

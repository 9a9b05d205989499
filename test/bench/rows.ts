import type { Row } from './row.ts'
import { distanceRows } from './rows-distance.ts'
import { listRow } from './rows-list.ts'
import { loginRow } from './rows-login.ts'
import { memoryRow } from './rows-memory.ts'
import { partnersRow } from './rows-partners.ts'
import { relayRows } from './rows-relay.ts'
import { smallFileRows } from './rows-small.ts'
import { transferRows } from './rows-transfer.ts'

/** Everything that `npm run bench` measures, in this order. */
const rows: readonly Row[] = [
  ...transferRows,
  ...distanceRows,
  ...smallFileRows,
  ...relayRows,
  loginRow,
  listRow,
  memoryRow,
  partnersRow,
]

/** The rows whose names begin with one of the words; all of them without any. Throws for a word that fits none. */
export function rowsNamed(words: readonly string[]): readonly Row[] {
  const unknown = words.find((word) => !rows.some(({ name }) => name.startsWith(word)))
  if (unknown !== undefined) {
    throw new Error(`No row begins with ${unknown}; there are ${rows.map(({ name }) => name).join(', ')}.`)
  }
  return words.length === 0 ? rows : rows.filter(({ name }) => words.some((word) => name.startsWith(word)))
}

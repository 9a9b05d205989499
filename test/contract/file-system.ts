import { byteNames } from './features/byte-names.ts'
import { changes } from './features/changes.ts'
import { copies } from './features/copies.ts'
import { downloads } from './features/downloads.ts'
import { links } from './features/links.ts'
import { login } from './features/login.ts'
import { looking } from './features/looking.ts'
import { loss, lossWhileReading } from './features/loss.ts'
import { madeLinks } from './features/made-links.ts'
import { refusedChanges } from './features/refused-changes.ts'
import { changingRights, readingRights } from './features/rights.ts'
import { space } from './features/space.ts'
import { uploads } from './features/uploads.ts'
import { writeModes } from './features/write-modes.ts'
import type { Feature } from './suite.ts'

/* The storage contract (src/backend/backend.ts) as sentences; every backend kind must make all of them true. */

const reading: readonly Feature[] = [login, downloads, looking, links, space]
const changing: readonly Feature[] = [uploads, writeModes, changes, madeLinks, copies, byteNames]

export const wholeContract: readonly Feature[] = [...reading, readingRights, ...changing, changingRights, loss]
/** For what can be read only; changes must be refused. */
export const readOnlyContract: readonly Feature[] = [...reading, readingRights, refusedChanges, lossWhileReading]
/** For what is no server: it knows no other users, and has no connection to lose. */
export const contractWithoutServer: readonly Feature[] = [...reading, ...changing]

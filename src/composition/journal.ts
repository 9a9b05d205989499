import { hostname } from 'node:os'
import type { Config } from '../config/config.ts'
import { inWords } from '../config/files.ts'
import { Journal } from '../migration/journal.ts'
import type { Observer } from '../observe/observer.ts'
import { StartError } from './start-error.ts'

/** The journal of this instance; undefined without a state directory. Throws StartError when it cannot be used. */
export async function openJournal({ state, passive }: Config, observer: Observer): Promise<Journal | undefined> {
  const { directory } = state
  observer({ kind: 'journal', directory })
  if (directory === undefined) return undefined
  // Instances that share a folder and a machine have different slices.
  const instance = `${hostname()}-${passive.slice.index}`
  return Journal.open({ directory, instance, now: Date.now, observer }).catch((error: unknown) => {
    throw new StartError(`state.directory: ${directory} ${inWords(error)}`, { cause: error })
  })
}

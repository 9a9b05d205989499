import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { partnerFile, type Setting, withKey } from '../config/partner-file.ts'
import { ConfigError } from '../config/problems.ts'
import { loadChecked } from './load-checked.ts'
import { type Io, UsageError } from './verb.ts'

export interface Edit {
  readonly config: string
  readonly partner: string
  readonly key: string
  readonly value: Setting
  readonly dryRun: boolean
}

export interface Edited {
  readonly file: string
  readonly difference: readonly string[]
}

/**
 * Sets a key in the file of a partner. A configuration that would be faulty then is not left behind: the file is as it was,
 * and the faults are thrown as ConfigError.
 */
export async function editPartner({ config, partner, key, value, dryRun }: Edit, io: Io): Promise<Edited> {
  const file = await partnerFile(config, partner, io.env)
  if (file === undefined) throw new UsageError(`partner "${partner}" has no file`)
  const before = await readFile(file, 'utf8')
  const { text: after, difference } = withKey(before, key, value)
  if (dryRun || difference.length === 0) return { file, difference }
  await replace(file, after)
  try {
    await loadChecked(config, io.env)
  } catch (error) {
    if (error instanceof ConfigError) await replace(file, before)
    throw error
  }
  return { file, difference }
}

/** All at once: a gateway that is told to reload meanwhile reads the one or the other. */
async function replace(file: string, text: string): Promise<void> {
  const { mode } = await stat(file)
  // A name with a dot in front is no partner file.
  const fresh = file.replace(/[^/]*$/, (name) => `.${name}.new`)
  await writeFile(fresh, text, { mode: mode & 0o777 })
  await rename(fresh, file)
}

export function editText({ file, difference }: Edited, dryRun: boolean): string {
  if (difference.length === 0) return `${file} says so already.\n`
  const head = `--- ${file}\n+++ ${file}\n`
  const next = dryRun
    ? 'Nothing was written.'
    : 'Tell the gateway to take it over (SIGHUP). Sessions that are running keep what they started with.'
  return `${head}${difference.join('\n')}\n${next}\n`
}

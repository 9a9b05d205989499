import type { Command } from './command.ts'
import { copying } from './copying.ts'
import { directories } from './directories.ts'
import { factsChange } from './facts-change.ts'
import { files } from './files.ts'
import { hashes } from './hashes.ts'
import { information } from './information.ts'
import { listings } from './listings.ts'
import { login } from './login.ts'
import { parameters } from './parameters.ts'
import { refused } from './refused.ts'
import { security } from './security.ts'
import { siteFamily } from './site.ts'
import { transfers } from './transfers.ts'

const table = new Map<string, Command>()
const families = [
  login,
  security,
  parameters,
  transfers,
  listings,
  files,
  factsChange,
  copying,
  hashes,
  directories,
  information(table),
  siteFamily,
  refused,
]
for (const declared of families.flat()) {
  for (const verb of declared.verbs) table.set(verb, declared)
}

/** Every command that is known, by verb; what is not here is answered with 500. */
export const commands: ReadonlyMap<string, Command> = table

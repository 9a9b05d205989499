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
const declared = {
  login,
  security,
  parameters,
  transfers,
  listings,
  files: [...files, ...factsChange, ...copying],
  hashes,
  directories,
  information: information(table),
  site: siteFamily,
  refused,
}
const familyOf = new Map<string, string>()
for (const [family, members] of Object.entries(declared)) {
  for (const command of members) {
    for (const verb of command.verbs) {
      table.set(verb, command)
      familyOf.set(verb, family)
    }
  }
}

/** Every command that is known, by verb; what is not here is answered with 500. */
export const commands: ReadonlyMap<string, Command> = table
/** What kind of command a verb is, in one word: how long it takes is counted by that. */
export const families: ReadonlyMap<string, string> = familyOf

import { jsonSchemas } from '../config/json-schema.ts'
import { suggest } from '../config/suggest.ts'
import { exit } from './exit.ts'
import { parseOptionsAndWord, UsageError, type Verb } from './verb.ts'

type Name = keyof typeof jsonSchemas
const names = Object.keys(jsonSchemas).filter(isName)

export const schema: Verb = {
  name: 'schema',
  synopsis: '[gateway|partner]',
  summary: 'print the JSON Schema of a configuration file, for editors',
  words: { '': names },
  details: `  gateway   the file of the globals (default)
  partner   the file of one partner

The package has them as config/gateway.schema.json and config/partner.schema.json. A first line such as
# yaml-language-server: $schema=gateway.schema.json makes editors complete and check the file.
`,
  async run(args, io) {
    const { word = 'gateway' } = parseOptionsAndWord(args, {})
    if (!isName(word)) throw new UsageError(`there is no schema of "${word}"${suggest(word, names)}`)
    io.stdout.write(`${JSON.stringify(jsonSchemas[word], undefined, 2)}\n`)
    return exit.ok
  },
}

function isName(word: string): word is Name {
  return Object.hasOwn(jsonSchemas, word)
}

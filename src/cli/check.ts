import { describeConfig } from '../config/describe.ts'
import { strangeNames } from '../config/environment-names.ts'
import { exit } from './exit.ts'
import { loadChecked } from './load-checked.ts'
import { parseOptions, UsageError, type Verb } from './verb.ts'

export const check: Verb = {
  name: 'check',
  synopsis: '--config FILE',
  summary: 'say what is wrong with a configuration, or what it means',
  details: `  --config FILE   the configuration, see config/gateway.yaml

Prints every fault as file:line:column and exits with 78, or prints the whole configuration, defaults included and
secrets left out.
`,
  async run(args, io) {
    const { config: file } = parseOptions(args, { config: { type: 'string' } })
    if (file === undefined) throw new UsageError('check needs --config FILE')
    const config = await loadChecked(file, io.env)
    for (const message of strangeNames(io.env)) io.stderr.write(`ftps-gateway: ${message}\n`)
    io.stdout.write(describeConfig(config))
    return exit.ok
  },
}

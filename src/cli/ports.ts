import { suggest } from '../config/suggest.ts'
import { exit } from './exit.ts'
import { loadChecked } from './load-checked.ts'
import { neededPorts } from './needed-ports.ts'
import { type PortFormat, portFormats } from './port-formats.ts'
import { parseOptions, UsageError, type Verb } from './verb.ts'

const formats = Object.keys(portFormats).filter(isFormat)

export const ports: Verb = {
  name: 'ports',
  synopsis: '--config FILE [--format FORMAT|--json]',
  summary: 'say exactly which ports have to be open, in words or for a firewall',
  words: { '--format': formats },
  details: `  --config FILE     the configuration, see config/gateway.yaml
  --format FORMAT   ${formats.join(', ')}
  --json            print one JSON object

Seen from the gateway: what clients and monitoring connect to, and what the gateway connects to. Where a listener or the
passive ports are left to the system (port 0), there is nothing that a firewall could be told: exit code 1.

  ftps-gateway ports --config gateway.yaml --format nftables > rules.nft && nft -c -f rules.nft
`,
  async run(args, io) {
    const options = parseOptions(args, {
      config: { type: 'string' },
      format: { type: 'string', default: 'text' },
      json: { type: 'boolean', default: false },
    })
    const { config: file, format } = options
    if (file === undefined) throw new UsageError('ports needs --config FILE')
    if (!isFormat(format)) throw new UsageError(`there is no format "${format}"${suggest(format, formats)}`)
    const needs = neededPorts(await loadChecked(file, io.env))
    if (options.json) io.stdout.write(`${JSON.stringify(needs)}\n`)
    else if (format === 'text' || needs.unfixed.length === 0) io.stdout.write(portFormats[format](needs))
    for (const { key } of needs.unfixed) {
      io.stderr.write(`ftps-gateway: ${key}: port 0 is another one at each start; give it a port of its own\n`)
    }
    return needs.unfixed.length === 0 ? exit.ok : exit.failure
  },
}

function isFormat(word: string): word is PortFormat {
  return Object.hasOwn(portFormats, word)
}

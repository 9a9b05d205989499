import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { families as commands } from '../commands/index.ts'
import { StartError } from '../composition/start-error.ts'
import { ConfigError } from '../config/problems.ts'
import { type DemoServer, startDemoServer } from '../demo/demo-server.ts'
import { writeSampleFiles } from '../demo/sample-files.ts'
import type { Gateway } from '../gateway.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import type { Event } from '../observe/observer.ts'
import { banner } from './demo-banner.ts'
import { exit } from './exit.ts'
import { loadChecked } from './load-checked.ts'
import { runGateway } from './run-gateway.ts'
import { type Io, parseOptions, parsePort, UsageError, type Verb } from './verb.ts'
import { version } from './version.ts'

interface DemoPorts {
  readonly explicit: number
  readonly implicit: number
  readonly passive: string
  readonly admin: number
}

export const demo: Verb = {
  name: 'demo',
  synopsis: '[OPTIONS]',
  summary: 'try it out: an SFTP server of its own, the gateway in front, and lines to paste',
  details: `  --directory DIR        serve this folder (default: a temporary one with sample files)
  --port PORT            explicit TLS (2121)
  --implicit-port PORT   implicit TLS (2990)
  --passive PORTS        ports of data connections (50000-50099)
  --admin-port PORT      metrics and health (9464)

All of it is on 127.0.0.1 only. 0 takes any free port.
`,
  async run(args, io) {
    const options = parseOptions(args, {
      directory: { type: 'string' },
      port: { type: 'string', default: '2121' },
      'implicit-port': { type: 'string', default: '2990' },
      passive: { type: 'string', default: '50000-50099' },
      'admin-port': { type: 'string', default: '9464' },
    })
    const ports: DemoPorts = {
      explicit: parsePort('port', options.port),
      implicit: parsePort('implicit-port', options['implicit-port']),
      passive: parsePassive(options.passive),
      admin: parsePort('admin-port', options['admin-port']),
    }
    const folder = await mkdtemp(join(tmpdir(), 'ftps-gateway-demo-'))
    try {
      const own = options.directory === undefined ? await makeFiles(folder) : undefined
      const files = own ?? resolve(options.directory ?? '')
      const server = await startDemoServer({ directory: files })
      try {
        await runInFront(server, { folder, files, temporary: own !== undefined, ports }, io)
      } finally {
        await server.close()
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    return exit.ok
  },
}

async function makeFiles(folder: string): Promise<string> {
  const files = join(folder, 'files')
  await mkdir(files)
  await writeSampleFiles(files)
  return files
}

interface Place {
  /** The demo's own folder. */
  readonly folder: string
  readonly files: string
  readonly temporary: boolean
  readonly ports: DemoPorts
}

async function runInFront(server: DemoServer, { folder, files, temporary, ports }: Place, io: Io): Promise<void> {
  const configFile = join(folder, 'gateway.yaml')
  const knownHosts = join(folder, 'known_hosts')
  const sample = join(folder, 'hello.txt')
  await writeFile(configFile, configText(server, ports))
  await writeFile(knownHosts, `${server.knownHosts}\n`)
  await writeFile(sample, 'Hello through the gateway.\n')
  // Made of a file, so that the demo means what any configuration means; the environment has no say in it.
  const load = () => loadChecked(configFile, {})
  const config = await load().catch(optionsAreFaulty)

  const log = createLog({ level: 'info', format: 'auto' })
  const metrics = createMetrics({ version, commands })
  // The banner says what the events of the start say, so the log begins after it.
  let announced = false
  let certificate = ''
  const observer = (event: Event) => {
    metrics.observer(event)
    if (event.kind === 'certificate') certificate = event.fingerprint
    if (announced) log.observer(event)
  }
  const started = (gateway: Gateway) => {
    const facts = { files, temporary, passive: ports.passive, certificate, configFile, knownHosts, sample }
    io.stdout.write(banner({ gateway, server, ...facts }))
    announced = true
  }
  try {
    await runGateway({ config, observer, metrics, load, started, lastWords: log.flushNow }, io)
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    const advice = 'Other ports: --port, --implicit-port, --passive, --admin-port; 0 takes any free one.'
    throw new StartError(`${error.message}. ${advice}`, { cause: error })
  } finally {
    await log.flush()
  }
}

function configText(server: DemoServer, { explicit, implicit, passive, admin }: DemoPorts): string {
  return `# Made for this run of the demo.
version: 1
listeners:
  - { name: explicit, address: 127.0.0.1, port: ${explicit}, tls: explicit }
  - { name: implicit, address: 127.0.0.1, port: ${implicit}, tls: implicit }
passive: { ports: ${passive} }
backends:
  - { name: demo, host: ${server.host}, port: ${server.port}, hostKeys: ["${server.hostKey}"] }
admin: { address: 127.0.0.1, port: ${admin} }
shutdown: { drain: 0s }
`
}

/** What the configuration cannot be are the ports that were asked for. */
function optionsAreFaulty(error: unknown): never {
  if (!(error instanceof ConfigError)) throw error
  throw new UsageError(error.problems.map(({ key, message }) => `${key} ${message}`).join('; '))
}

function parsePassive(text: string): string {
  if (!/^\d{1,5}(-\d{1,5})?$/.test(text)) throw new UsageError(`--passive takes ports such as 50000-50099, not ${text}`)
  return text
}

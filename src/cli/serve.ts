import { families as commands } from '../commands/index.ts'
import { openJournal } from '../composition/journal.ts'
import { partnerTimes } from '../composition/partner-times.ts'
import type { Config } from '../config/config.ts'
import { strangeNames } from '../config/environment-names.ts'
import type { Gateway } from '../gateway.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { tellAll } from '../observe/observer.ts'
import { exit } from './exit.ts'
import { loadChecked } from './load-checked.ts'
import { runGateway } from './run-gateway.ts'
import { parseOptions, UsageError, type Verb } from './verb.ts'
import { version } from './version.ts'

export const serve: Verb = {
  name: 'serve',
  synopsis: '--config FILE',
  summary: 'run the gateway in front of the SFTP servers that FILE names',
  details: `  --config FILE   the configuration, see config/gateway.yaml

SIGHUP takes over changed files, and the log says what has changed, or why nothing has. SIGTERM stops: no new logins, transfers may finish; a second one ends at once.
`,
  async run(args, io) {
    const { config: file } = parseOptions(args, { config: { type: 'string' } })
    if (file === undefined) throw new UsageError('serve needs --config FILE')
    const load = () => loadChecked(file, io.env)
    const config = await load()
    const log = createLog(config.logging)
    const revision = io.env['FTPS_GATEWAY_REVISION']
    const { perPartner } = config.metrics
    const metrics = createMetrics({ version, commands, perPartner, ...(revision !== undefined && { revision }) })
    const told = tellAll(log.observer, metrics.observer)
    for (const message of strangeNames(io.env)) log.observer({ kind: 'warning', topic: 'environment', message })
    try {
      const journal = await openJournal(config, told)
      const observer = journal ? tellAll(told, journal.observer) : told
      try {
        const inForce = (current: Config) => {
          log.setLevel(current.logging.level)
          if (journal) metrics.watch(() => partnerTimes(current, journal, Date.now()))
        }
        const started = (gateway: Gateway) => metrics.watchMoves(() => gateway.standings())
        await runGateway({ config, load, metrics, started, inForce, lastWords: log.flushNow, observer }, io)
      } finally {
        await journal?.close()
      }
    } finally {
      await log.flush()
    }
    return exit.ok
  },
}

import { duration } from '../config/kinds.ts'
import { endPause, pauseWords, readPause, writePause } from '../migration/pause-file.ts'
import { audited, operator } from './audited.ts'
import { exit } from './exit.ts'
import { loadMoves } from './moves.ts'
import { iso, localText } from './times.ts'
import { type Io, parseOptions, UsageError } from './verb.ts'

export async function pause(args: readonly string[], io: Io): Promise<number> {
  const options = parseOptions(args, {
    config: { type: 'string' },
    for: { type: 'string' },
    end: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  })
  const length = options.for === undefined ? Number.POSITIVE_INFINITY : duration(1).read(options.for)
  if (length === undefined) throw new UsageError(`--for takes ${duration(1).expects}, not ${options.for}`)
  if (options.end && options.for !== undefined) throw new UsageError('--end takes no --for')
  const { config, calendar, now } = await loadMoves(options.config, 'migrate pause', io)
  const { directory } = config.state
  if (directory === undefined) throw new UsageError('migrate pause needs state.directory: the gateway looks there')
  const until = options.end ? now : now + length
  const before = pauseWords((await readPause(directory))?.until ?? 0, now)
  const [by, change] = [operator(io), { before, after: pauseWords(until, now), cause: 'migrate pause' }]
  const record = { time: new Date(now), setting: 'brownouts', ...change, by }
  const told = { by, audited: before === change.after || (await audited(config, record, io)) }
  if (options.end) await endPause(directory, { at: now, ...told })
  else await writePause(directory, { since: now, until, ...told })
  const paused = await readPause(directory)
  if (options.json) {
    const end = paused === undefined || paused.until === Number.POSITIVE_INFINITY ? null : iso(paused.until)
    io.stdout.write(`${JSON.stringify({ paused: paused !== undefined, until: end })}\n`)
  } else if (paused === undefined) io.stdout.write('Brownouts are not paused.\n')
  else if (paused.until === Number.POSITIVE_INFINITY)
    io.stdout.write('Brownouts are paused until `ftps-gateway migrate pause --end`.\n')
  else {
    const zone = config.migration.timeZone
    io.stdout.write(`Brownouts are paused until ${localText(paused.until, calendar)} ${zone}.\n`)
  }
  return exit.ok
}

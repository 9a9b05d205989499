import { type DestinationStream, pino, stdTimeFunctions } from 'pino'
import { fromText, printable } from '../ftp/bytes.ts'
import { LineSink } from './line-sink.ts'
import { type Line, lineOf } from './log-lines.ts'
import type { Event, Observer } from './observer.ts'
import { prettyLine } from './pretty-line.ts'

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  /** auto: pretty (one short line for people) on a terminal, JSON lines elsewhere. */
  readonly format: 'auto' | 'pretty' | 'json'
  /** Where lines go; standard output when left out. */
  readonly stream?: DestinationStream
}

export interface Log {
  readonly observer: Observer
  /** From now on lines of this level and above. */
  setLevel(level: LogOptions['level']): void
  /** Resolves when every line is written, or cannot be; to be awaited before the process ends. */
  flush(): Promise<void>
  /** Writes what waits without coming back to the event loop, for a process that is about to die. */
  flushNow(): void
}

/** The log: one line per event, as `log-lines.ts` puts it. */
export function createLog({ level, format, stream }: LogOptions): Log {
  const sink = new LineSink(1)
  const out = stream ?? sink
  const pretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY === true)
  const usual = {
    base: null,
    messageKey: 'message',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const lines = pretty ? { write: (line: string) => out.write(prettyLine(line)) } : out
  const logger = pino({ ...usual, level }, lines)
  // What an operator has asked for by SIGHUP is answered, whatever the level.
  const answering = pino({ ...usual, level: 'info' }, lines)
  const observer = (event: Event) => {
    const dropped = sink.failing ? 0 : sink.takeDropped()
    if (dropped > 0) logger.warn({ event: 'log.dropped', lines: dropped }, `${dropped} log lines could not be written`)
    // Not worth a line that nobody writes: there are thousands a second.
    if (event.kind === 'sftpRequest' && !logger.isLevelEnabled('trace')) return
    const line = lineOf(event)
    const to = event.kind === 'reloaded' ? answering : logger
    if (to.isLevelEnabled(line.level)) to[line.level](fieldsOf(line), oneLine(line.message))
  }
  const setLevel = (next: LogOptions['level']) => {
    logger.level = next
  }
  return { observer, setLevel, flush: () => sink.flush(), flushNow: () => sink.flushNow() }
}

/** Event name first, so that a reader finds it; every text made one harmless line, except a stack. */
function fieldsOf({ event, fields, stack }: Line): Record<string, unknown> {
  const clean = Object.entries(fields).map(([key, value]) => [key, cleaned(value)])
  const trace = stack?.split('\n').map(oneLine).join('\n')
  return { event, ...Object.fromEntries(clean), ...(trace === undefined ? {} : { stack: trace }) }
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return oneLine(value)
  if (Array.isArray(value)) return value.map(cleaned)
  // Seconds as floating point arithmetic leaves them have many digits that mean nothing.
  if (typeof value === 'number') return Math.round(value * 1e6) / 1e6
  return value
}

function oneLine(text: string): string {
  return printable(fromText(text))
}

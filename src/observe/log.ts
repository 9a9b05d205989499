import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino'
import { fromText, printable } from '../ftp/bytes.ts'
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
  /** Writes out what still waits; to be called before the process ends. */
  flush(): void
}

/** Bytes of lines that may wait for a slow reader of standard output; what comes after them is dropped. */
const waitingMax = 16 * 1024 * 1024

/** The log: one line per event, as `log-lines.ts` puts it. */
export function createLog(options: LogOptions): Log {
  const { stream, flush } = options.stream ? { stream: options.stream, flush: () => {} } : standardOutput()
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY === true)
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pretty ? { write: (line) => stream.write(prettyLine(line)) } : stream,
  )
  const observer = (event: Event) => {
    const line = lineOf(event)
    if (logger.isLevelEnabled(line.level)) logger[line.level](fieldsOf(line), oneLine(line.message))
  }
  return { observer, flush }
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

function standardOutput(): { stream: DestinationStream; flush: () => void } {
  // Not synchronous unless a person watches: a slow reader of the log must not stop transfers.
  const sync = process.stdout.isTTY === true
  const stream = destination({ fd: 1, sync, maxLength: waitingMax })
  return { stream, flush: () => stream.flushSync() }
}

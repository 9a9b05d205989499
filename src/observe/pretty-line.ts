/** A JSON log line as a person reads it: time, level, session, message, and the stack of a bug below. */
export function prettyLine(json: string): string {
  const { time, level, session, message, stack } = JSON.parse(json) as Readonly<Record<string, string | undefined>>
  const clock = new Date(time ?? 0).toTimeString().slice(0, 8)
  const line = [clock, (level ?? '').toUpperCase().padEnd(5), session, message].filter(Boolean).join(' ')
  return `${line}${stack === undefined ? '' : `\n${stack}`}\n`
}

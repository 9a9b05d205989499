/** The largest unit that loses nothing. */
export function time(ms: number): string {
  if (ms > 0 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms > 0 && ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

/** The same, in bytes. */
export function size(bytes: number): string {
  if (bytes % 1024 ** 3 === 0) return `${bytes / 1024 ** 3}GiB`
  if (bytes % 1024 ** 2 === 0) return `${bytes / 1024 ** 2}MiB`
  return bytes % 1024 === 0 ? `${bytes / 1024}KiB` : `${bytes}B`
}

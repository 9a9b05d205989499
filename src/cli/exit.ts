import { BackendError } from '../backend/backend.ts'
import { StartError } from '../composition/start-error.ts'
import { ConfigError } from '../config/problems.ts'
import { UsageError } from './verb.ts'

/** Exit codes, from sysexits.h where it has one. */
export const exit = { ok: 0, failure: 1, usage: 64, unavailable: 69, config: 78 } as const

/** How a failed verb ends: its exit code and what standard error says. */
export function explain(error: unknown): { readonly code: number; readonly message: string } {
  if (error instanceof UsageError) {
    return { code: exit.usage, message: `ftps-gateway: ${error.message}\nSee: ftps-gateway help` }
  }
  // Each line names file, line and column, as editors understand it.
  if (error instanceof ConfigError) return { code: exit.config, message: error.message }
  if (error instanceof StartError || error instanceof BackendError) {
    return { code: exit.unavailable, message: `ftps-gateway: ${error.message}` }
  }
  const foreseen = error instanceof Error && 'syscall' in error
  const text = error instanceof Error ? (foreseen ? error.message : (error.stack ?? error.message)) : String(error)
  return { code: exit.failure, message: `ftps-gateway: ${text}` }
}

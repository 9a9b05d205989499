import type { BackendError } from '../backend/backend.ts'
import { ConnectError } from '../backend/sftp/connection.ts'
import type { PreflightFacts, PreflightReport } from '../backend/sftp/preflight-report.ts'
import type { PreflightStep } from '../backend/sftp/preflight-step.ts'
import type { BackendFailure } from '../observe/observer.ts'

export function factsText({ hostKey, banner, cipher, extensions, directory }: PreflightFacts): string {
  const facts = {
    'host key': hostKey,
    server: banner,
    cipher,
    extensions: extensions.join(', ') || 'none',
    directory,
  }
  return Object.entries(facts)
    .map(([name, value]) => `  ${name.padEnd(10)}  ${value}\n`)
    .join('')
}

export function stepText({ name, state, said, follows }: PreflightStep): string {
  const mark = state === 'skipped' ? '-' : state
  return `${mark.padEnd(7)}  ${name.padEnd(9)}  ${said}${follows === undefined ? '' : `. ${sentence(follows)}`}\n`
}

export function capabilitiesText({ capabilities }: PreflightReport): string {
  const known = Object.entries(capabilities).map(([name, value]) => `${name}: ${value}`)
  return `  capabilities  ${known.join(', ')}\n`
}

/** What it comes to. */
export function verdictText({ outcome, steps }: PreflightReport): string {
  const named = (state: PreflightStep['state']) => steps.filter((step) => step.state === state).map(({ name }) => name)
  const without = [...named('missing'), ...named('failed')]
  if (outcome === 'works') return `Uploads work${without.length > 0 ? `, with limits: ${without.join(', ')}` : ''}.`
  if (outcome === 'interrupted') return 'Interrupted.'
  if (outcome === 'lost') return `The backend went away meanwhile. ${advice.lost}.`
  return `Uploads do not work: ${steps
    .filter(({ blocks }) => blocks)
    .map(({ name }) => name)
    .join(', ')}.`
}

/** What to do about a backend that could not be entered. */
export function adviceFor(error: BackendError): string {
  if (error instanceof ConnectError) return advice[error.failure]
  return 'Check that the server offers SFTP to this account (Subsystem sftp, ForceCommand) and look in its log'
}

const advice: Record<BackendFailure, string> = {
  dns: 'Check the host of the backend, and the name server of this machine',
  refused: 'Check host and port of the backend, and that the SFTP server runs',
  timeout: 'Check host and port of the backend, and the firewalls in between',
  host_key: 'Compare with what its administrator says before you trust it: ftps-gateway host-key shows its keys',
  kex: 'The server is too old, or too strict: its log says which algorithms it wants',
  auth: 'Check user name and password, or that the key is in authorized_keys; the log of the server says why',
  lost: 'The log of the server says why; it may have banned this address, or have too many connections',
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

import { type ByteString, printable } from '../../ftp/bytes.ts'
import type { FileSystem } from '../backend.ts'
import type { Capabilities } from './capabilities.ts'
import type { Lease } from './pooled-line.ts'
import { type PreflightParts, preflight } from './preflight.ts'
import type { PreflightStep } from './preflight-step.ts'
import type { UploadSettings } from './upload-settings.ts'

/** Who the server is; all of it can be shown. */
export interface PreflightFacts {
  readonly hostKey: string
  readonly banner: string
  readonly cipher: string
  readonly extensions: readonly string[]
  readonly directory: string
}

export interface PreflightReport extends PreflightFacts {
  /** As they are known at the end. */
  readonly capabilities: Capabilities
  readonly steps: readonly PreflightStep[]
  /** lost: the backend went away meanwhile. */
  readonly outcome: 'works' | 'fails' | 'lost' | 'interrupted'
}

export interface PreflightOptions {
  /** Where in the account, whose home is given. */
  directory(home: ByteString): ByteString
  readonly onEntered: (facts: PreflightFacts) => void
  readonly onStep: (step: PreflightStep) => void
  /** Ends it after the step that runs; what was made is removed all the same. */
  readonly signal: AbortSignal
}

/** Tries an account out. */
export async function report(
  { client, server, home, connection }: Lease,
  files: FileSystem,
  settings: UploadSettings,
  { another, onEntered, onStep, signal, ...options }: PreflightOptions & Pick<PreflightParts, 'another'>,
): Promise<PreflightReport> {
  const directory = options.directory(home)
  const facts = {
    hostKey: connection.hostKey,
    banner: printable(connection.banner),
    cipher: connection.cipher,
    extensions: [...client.session.extensions.keys()].map(printable),
    directory: printable(directory),
  }
  onEntered(facts)
  const steps = await preflight({ client, server, files, settings, directory, tell: onStep, signal, another })
  const blocked = steps.some(({ blocks }) => blocks)
  const verdict = signal.aborted ? 'interrupted' : blocked ? 'fails' : 'works'
  // What fails of a server that has gone says nothing about it.
  const lost = client.session.dead && steps.some(({ state }) => state === 'failed')
  const outcome = lost ? 'lost' : verdict
  return { ...facts, capabilities: server.can, steps, outcome }
}

import { printable } from '../../ftp/bytes.ts'
import { BackendError, type FailureKind } from '../backend.ts'

/** What came of one step of the preflight. */
export interface PreflightStep {
  readonly name: string
  /** missing: uploads do without it; skipped: an earlier step was needed for it. */
  readonly state: 'ok' | 'missing' | 'failed' | 'skipped'
  /** What was done, or why it was not. */
  readonly said: string
  /** What follows for uploads, and what can be done about it. */
  readonly follows?: string
  /** Uploads cannot work like this. */
  readonly blocks: boolean
}

export type StepResult = Pick<PreflightStep, 'state' | 'said' | 'follows'> & { readonly blocks?: boolean }

export interface StepPlan {
  readonly name: string
  /** Needs every step before it that is one of the chain. */
  readonly chain?: boolean
  run(): Promise<StepResult>
  /** What follows when `run` throws. */
  readonly follows: string
  /** Whether uploads can work when `run` throws; they cannot by default. */
  readonly harmless?: boolean
}

export const ok = (said: string): StepResult => ({ state: 'ok', said })
export const missing = (said: string, follows: string): StepResult => ({ state: 'missing', said, follows })
export const failed = (said: string, follows: string): StepResult => ({ state: 'failed', said, follows, blocks: true })

/** Carries the steps out one after the other; those of the chain only as long as none of them has failed. */
export async function runSteps(
  plans: readonly StepPlan[],
  tell: (step: PreflightStep) => void,
  signal: AbortSignal,
): Promise<readonly PreflightStep[]> {
  const steps: PreflightStep[] = []
  let broken = ''
  for (const plan of plans) {
    const step = await stepOf(plan, broken, signal)
    if (plan.chain && (step.state === 'failed' || step.state === 'skipped')) broken ||= plan.name
    steps.push(step)
    tell(step)
  }
  return steps
}

async function stepOf(plan: StepPlan, broken: string, signal: AbortSignal): Promise<PreflightStep> {
  const { name, follows, harmless = false } = plan
  if (signal.aborted) return { name, state: 'skipped', said: 'not tried: interrupted', blocks: false }
  if (plan.chain && broken !== '') return { name, state: 'skipped', said: `not tried: ${broken} failed`, blocks: false }
  try {
    return { name, blocks: false, ...(await plan.run()) }
  } catch (error) {
    return { name, state: 'failed', said: inWords(error), follows, blocks: !harmless }
  }
}

const words: Partial<Record<FailureKind, string>> = {
  notFound: 'no such file or directory',
  accessDenied: 'permission denied',
  alreadyExists: 'the name is taken',
  notADirectory: 'not a directory',
  noSpace: 'there is no space left',
  quotaExceeded: 'the quota of the account is used up',
  busy: 'busy or locked',
  unsupported: 'the server does not know the request',
  unavailable: 'the connection to the backend was lost',
}

/** Why a request failed, with what the server said. */
export function inWords(error: unknown): string {
  const message = printable(error instanceof Error ? error.message : String(error))
  const word = error instanceof BackendError ? words[error.kind] : undefined
  return word === undefined ? message : `${word} (${message})`
}

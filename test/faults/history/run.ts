import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Ground } from '../../support/ground.ts'
import { type Sshd, startSshd } from '../../support/sshd.ts'
import { startBackendLine } from './backend-line.ts'
import { pickFault } from './faults.ts'
import { startGatewayProcess } from './gateway-process.ts'
import { type Attempt, Expectation, late } from './history.ts'
import { randomOf, Worker } from './worker.ts'

export interface RunOptions {
  readonly seconds: number
  readonly seed: number
  /** Mean time between two faults; 0: none. */
  readonly faultEveryMs: number
  readonly extends: boolean
  /** Where a file that was seen to be a part is kept, with the gateway's log as it was then. */
  readonly keep: string | undefined
}

export interface Report {
  readonly attempts: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly violations: readonly string[]
  /** The last attempts on the paths of the violations. */
  readonly evidence: readonly string[]
  /** Partial files that are left. */
  readonly litter: readonly string[]
}

/** Four logins of partners that share connections, and two that are passed through. */
const partners = ['p0', 'p1', 'p2', 'p3'].map((user) => ({ user, password: `the password of ${user}` }))
const patienceMs = 60_000

/** Lets random clients work on a gateway while things go wrong, and holds what they were told against the disk. */
export async function runHistory(ground: Ground, options: RunOptions): Promise<Report> {
  const memory = mkdtempSync(join('/dev/shm', 'ftps-gateway-faults-'))
  chmodSync(memory, 0o755)
  const closers: (() => Promise<unknown>)[] = [async () => rmSync(memory, { recursive: true, force: true })]
  try {
    // Every connection of the gateway comes from one address, and those that are cut in the middle count against it.
    const extraConfig = ['MaxStartups 200:30:400', 'LoginGraceTime 20']
    const sshd = await startSshd({ ground, home: join(memory, 'home'), subsystem: 'sftp-server', extraConfig })
    closers.push(() => sshd.stop())
    const line = await startBackendLine(sshd.port)
    closers.push(() => line.stop())
    const gateway = await startGatewayProcess(ground, sshd, line.port, partners)
    closers.push(() => gateway.stop())
    return await work({ sshd, line, gateway }, options)
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

type Targets = Parameters<ReturnType<typeof pickFault>['run']>[0]

async function work(targets: Targets, options: RunOptions): Promise<Report> {
  const { sshd, gateway } = targets
  const expectation = new Expectation()
  const attempts: Attempt[] = []
  const start = performance.now()
  const now = () => performance.now() - start
  const over = () => now() > options.seconds * 1000
  const through = { user: sshd.user.name, password: sshd.user.password }
  const workers = [...partners, through, through].map(
    (account, i) =>
      new Worker({
        name: `w${i}`,
        login: { port: gateway.port, ...account, tls: i % 2 === 0 ? 'TLSv1.3' : 'TLSv1.2', patienceMs },
        seed: options.seed * 1000 + i,
        files: 6,
        extends: options.extends,
        expectation,
        now,
        record(attempt) {
          attempts.push(attempt)
          expectation.take(attempt)
        },
      }),
  )
  const counts: Record<string, number> = {}
  const troubled = trouble(targets, options, over, counts)
  const watched = watch(sshd, expectation, over, (name) => keepSight(targets, options, name))
  await Promise.all(workers.map((worker) => worker.run(over)))
  await Promise.all([troubled, watched])
  const violations = [...(gateway.died ? ['I8: the gateway has ended by itself'] : [])]
  // Drains: what is being committed for clients that have gone comes to its end.
  await gateway.restart()
  expectation.takeEnd(new Map(finalNames(sshd).map((name) => [name, stateOf(sshd, name)])))
  violations.push(...expectation.violations, ...late(attempts, patienceMs), ...bugs(gateway.log()))
  const outcomes: Record<string, number> = {}
  for (const { what, code, outcome } of attempts) {
    const key = `${what.op} ${code ?? outcome}`
    outcomes[key] = (outcomes[key] ?? 0) + 1
  }
  const evidence = attempts.filter(({ what }) => violations.some((text) => mentions(text, what))).map(inWords)
  return { attempts: attempts.length, outcomes, faults: counts, violations, evidence, litter: partNames(sshd) }
}

function mentions(violation: string, what: Attempt['what']): boolean {
  const paths = what.op === 'rename' ? [what.path, what.to] : [what.path]
  return paths.some((path) => violation.split(' ').includes(path))
}

function inWords({ client, what, how, outcome, code, startedAt, endedAt }: Attempt): string {
  const content = 'content' in what ? ` ${what.content.sha256.slice(0, 12)} (${what.content.size})` : ''
  const to = what.op === 'rename' ? ` to ${what.to}` : ''
  const when = `${(startedAt / 1000).toFixed(2)} to ${(endedAt / 1000).toFixed(2)} s`
  return `${when} ${client}: ${what.op} ${what.path}${to}${content}${how ? ` (${how})` : ''}: ${code ?? outcome}`
}

async function trouble(
  targets: Targets,
  { seed, faultEveryMs }: RunOptions,
  over: () => boolean,
  counts: Record<string, number>,
): Promise<void> {
  const random = randomOf(seed)
  while (faultEveryMs > 0 && !over()) {
    const next = performance.now() + random() * 2 * faultEveryMs
    while (performance.now() < next && !over()) await new Promise((resolve) => setTimeout(resolve, 50))
    if (over()) return
    const fault = pickFault(random)
    counts[fault.name] = (counts[fault.name] ?? 0) + 1
    await fault.run(targets, random)
  }
}

/** I2: looks at whatever has changed under a final name. */
async function watch(
  sshd: Sshd,
  expectation: Expectation,
  over: () => boolean,
  violated: (name: string) => void,
): Promise<void> {
  const seen = new Map<string, string>()
  while (!over()) {
    await new Promise((resolve) => setTimeout(resolve, 250))
    for (const name of finalNames(sshd)) {
      try {
        const { ino, mtimeMs, size } = statSync(join(sshd.home, name))
        const version = `${ino} ${mtimeMs} ${size}`
        if (seen.get(name) === version) continue
        seen.set(name, version)
        const before = expectation.violations.length
        expectation.takeSight(name, stateOf(sshd, name))
        if (expectation.violations.length > before) violated(name)
      } catch {
        // Renamed or deleted meanwhile.
      }
    }
  }
}

function keepSight({ sshd, gateway }: Targets, { keep }: RunOptions, name: string): void {
  if (keep === undefined) return
  mkdirSync(keep, { recursive: true })
  copyFileSync(join(sshd.home, name), join(keep, `${name}-${Date.now()}`))
  writeFileSync(join(keep, 'gateway.log'), gateway.log())
}

function finalNames(sshd: Sshd): string[] {
  return readdirSync(sshd.home).filter((name) => !name.startsWith('.'))
}

function partNames(sshd: Sshd): string[] {
  return readdirSync(sshd.home).filter((name) => name.startsWith('.'))
}

function stateOf(sshd: Sshd, name: string): string {
  return createHash('sha256')
    .update(readFileSync(join(sshd.home, name)))
    .digest('hex')
}

/** I8: what the gateway itself calls a fault of its own. */
function bugs(log: string): string[] {
  const lines = log.split('\n').filter((line) => /"event":"(bug|gateway\.bug)"|uncaught|unhandled/i.test(line))
  return lines.slice(0, 5).map((line) => `I8: ${line.slice(0, 500)}`)
}

import { createCipheriv } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { BackendError, type FailureKind, type FileSystem, type WriteMode } from '../../../src/backend/backend.ts'
import { ByteBudget } from '../../../src/backend/sftp/byte-budget.ts'
import { createHostKeyPolicy } from '../../../src/backend/sftp/host-keys.ts'
import type { PreflightReport } from '../../../src/backend/sftp/preflight-report.ts'
import type { SftpBackend } from '../../../src/backend/sftp/sftp-backend.ts'
import { Secret } from '../../../src/ftp/secret.ts'
import { backendTo } from '../backend-under-test.ts'
import { bystander, type HostileServer, type Misbehaviour, startHostileServer, victim } from './server.ts'

const budgetBytes = 8 * 1024 * 1024
/** Longer than a test may take, so that what waits for it fails. */
const longMs = 60_000

export interface ArenaOptions extends Misbehaviour {
  /** How long the gateway waits for an answer. Long by default, so that a case which waits for it fails. */
  readonly deadlineMs?: number
  /** The same for a login. */
  readonly loginMs?: number
  /** Handles that the server refuses to close, or that it never told anybody about. */
  readonly handlesStay?: boolean
  /** The bystander has a backend of its own, so that nobody has asked the server anything before the victim does. */
  readonly apart?: boolean
  /** See SftpBackendOptions. */
  readonly reconnectMs?: number
  readonly verify?: 'size' | 'hash'
}

/** Where a case takes place: a hostile server, and the gateway's own backend in front of it. */
export interface Arena {
  readonly server: HostileServer
  /** Logs the victim, or another whose name begins like that, in; the session is closed when the case is over. */
  open(login?: string): Promise<FileSystem>
  /** Tries the victim's account out. */
  preflight(): Promise<PreflightReport>
}

/**
 * Runs a case against the victim's login, while a bystander works over the same backend with the same server; then
 * checks that the bystander noticed nothing and that nothing of the victim is left: no socket, no timer, no server
 * handle, no byte of the budget, and no rejection that nobody handled.
 */
export async function inArena<T>(options: ArenaOptions, run: (arena: Arena) => Promise<T>): Promise<T> {
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  const server = await startHostileServer(options)
  fill(server)
  const budget = new ByteBudget(budgetBytes)
  const { deadlineMs = longMs, loginMs = longMs, reconnectMs = 0, verify = 'size' } = options
  const backend = backendFor(server, { budget, deadlineMs, loginMs, reconnectMs, verify })
  // On a busy machine a good server may take longer than a short deadline.
  const shared = options.deadlineMs === undefined && !options.apart
  const patient = shared ? backend : backendFor(server, { budget })
  const sessions: FileSystem[] = []
  const open = async (username = victim) => {
    const files = await backend.open({ kind: 'password', username, password: new Secret('x') })
    sessions.push(files)
    return files
  }
  const preflight = () =>
    backend.preflight(
      { kind: 'password', username: victim, password: new Secret('x') },
      { directory: (home) => home, onEntered() {}, onStep() {}, signal: new AbortController().signal },
    )
  try {
    const witness = await patient.open({ kind: 'password', username: bystander, password: new Secret('x') })
    const [result] = await Promise.all([run({ server, open, preflight }), roundTrip(witness, '/during')])
    await roundTrip(witness, '/after')
    await witness.close()
    if (!options.handlesStay) await eventually(() => server.handles, 0, 'open handles')
    await eventually(() => budget.free, budgetBytes, 'free bytes of the budget')
    for (const files of sessions) await files.close()
    await eventually(() => server.connections, 0, 'open connections')
    return result
  } finally {
    await backend.close()
    await patient.close()
    await server.stop()
    await eventually(resources, [], 'sockets and timers')
    await sleep(0)
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled, 'unhandled rejections').toEqual([])
  }
}

export function backendFor(
  { host, port, fingerprint }: Pick<HostileServer, 'host' | 'port' | 'fingerprint'>,
  options: {
    readonly budget: ByteBudget
    readonly deadlineMs?: number
    readonly loginMs?: number
    readonly reconnectMs?: number
    readonly verify?: 'size' | 'hash'
  },
): SftpBackend {
  const { budget, deadlineMs = longMs, loginMs = longMs, reconnectMs = 0, verify = 'size' } = options
  const hostKeys = createHostKeyPolicy({ host, port, fingerprints: [fingerprint], knownHostsText: undefined })
  return backendTo(
    { host, port, hostKeys },
    {
      connectMs: loginMs,
      loginMs,
      requestMs: deadlineMs,
      closeMs: deadlineMs,
      reconnectMs,
      verify,
      bytesInFlightPerTransfer: 2 * 1024 * 1024,
      budget,
      // As much as possible under way at a time, so that a fault meets the rest of it.
      capabilities: { answersInOrder: true, pipelinedReaddir: 16 },
    },
  )
}

/** Bytes in which every loss, doubling and swap shows. */
export function noise(bytes: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(bytes))
}

export const big = noise(3_000_000)

function fill({ tree }: HostileServer): void {
  tree.addFile('/old', 'old content')
  tree.addFile('/big', big)
  tree.addFile('/folder/a', 'a')
  tree.addFile('/folder/b', 'b')
  tree.addDirectory('/empty')
  tree.addLink('/link', '/old')
}

/** What became of an operation: `done`, or why not. An error that is none of the contract is thrown on. */
export async function outcome(operation: Promise<unknown>): Promise<'done' | FailureKind> {
  try {
    await operation
    return 'done'
  } catch (error) {
    if (error instanceof BackendError) return error.kind
    throw error
  }
}

/** Stores a file as a transfer does; resolves when the commit did, which is when a client would get 226. */
export async function store(
  files: FileSystem,
  path: string,
  content: Buffer,
  mode: WriteMode = { kind: 'replace' },
): Promise<void> {
  const upload = await files.write(path, mode)
  try {
    // A sink that has failed before is told by Node 24 as something that cannot be piped to.
    await pipeline(Readable.from([content]), upload.sink).catch((error) => {
      throw upload.sink.errored ?? error
    })
    await upload.commit()
  } finally {
    await upload.abandon('nothing')
  }
}

export async function fetch(files: FileSystem, path: string, start = 0): Promise<Buffer> {
  const download = await files.read(path, start)
  const chunks: Buffer[] = []
  try {
    for await (const chunk of download.content) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks)
  } finally {
    await download.close()
  }
}

export async function namesOf(files: FileSystem, path: string): Promise<string[]> {
  const names: string[] = []
  for await (const batch of files.list(path)) names.push(...batch.map(({ name }) => name))
  return names
}

/** What the server holds under a name; undefined when there is no such file. */
export function held({ tree }: HostileServer, path: string): string | undefined {
  const node = tree.peek(path)
  return node?.type === 'file' ? node.content.toString('latin1') : undefined
}

/** The partial files beside `/old`. */
export function leftOvers({ tree }: HostileServer): string[] {
  return [...tree.root.children.keys()].filter((name) => /^\.old\..*\.(part|old)$/.test(name))
}

async function roundTrip(files: FileSystem, path: string): Promise<void> {
  const content = noise(600_000)
  await store(files, path, content)
  expect((await fetch(files, path)).equals(content), 'the content of the bystander').toBe(true)
  expect(await namesOf(files, '/folder')).toEqual(['a', 'b'])
  await files.removeFile(path)
}

const patienceMs = 5_000

/** For what happens by itself, though not in the same turn. Its own timers have run out whenever it looks. */
async function eventually<T>(look: () => T, expected: T, what: string): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  while (!isDeepStrictEqual(look(), expected) && performance.now() < giveUpAt) await sleep(5)
  expect(look(), what).toEqual(expected)
}

/** What keeps the process busy now; vitest has a timer now and then. */
function resources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => /^(TCP|Timeout)/.test(kind))
}

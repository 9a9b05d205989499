import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface RunOptions {
  /** Standard input; none by default, so a program that asks something meets its end at once. */
  readonly input?: string | Buffer
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** After this the program and its children are killed, and `run` throws. */
  readonly timeoutMs?: number
  /** A password that the program may show; failure messages do without it. */
  readonly secret?: string
}

export interface RunResult {
  /** Undefined when a signal ended the program. */
  readonly code: number | undefined
  readonly stdout: Buffer
  readonly stderr: string
}

const outputBytesMax = 64 * 1024 * 1024

/** Runs a program to its end. Throws when it cannot be started or runs out of time, not for its exit code. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { input = '', env = process.env, cwd, timeoutMs = 60_000, secret } = options
  // A group of its own, so that the time limit also ends the program's children.
  const child = spawn(command, args, { env, cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  let late = false
  const timer = setTimeout(() => {
    late = true
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }, timeoutMs)
  // A program may end without reading its input; its exit code tells the story better than EPIPE.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    const result = { code: code ?? undefined, stdout: stdout(), stderr: masked(stderr().toString('utf8'), secret) }
    if (late) throw new Error(`Not done after ${timeoutMs} ms: ${describeRun(command, args, result)}`)
    return result
  } finally {
    clearTimeout(timer)
  }
}

/** `run` for programs that must succeed: throws unless the exit code is 0, with what the program said. */
export async function runOk(command: string, args: readonly string[], options: RunOptions = {}): Promise<Buffer> {
  const result = await run(command, args, options)
  if (result.code !== 0) throw new Error(describeRun(command, args, result))
  return result.stdout
}

/** A failure message: the command line, the exit code, and the end of what the program said. */
export function describeRun(command: string, args: readonly string[], result: RunResult): string {
  const said = `${result.stdout.toString('utf8').slice(-2000)}\n${result.stderr.slice(-6000)}`.trim()
  return `${[command, ...args].join(' ')} ended with ${result.code ?? 'a signal'}:\n${said}`
}

function masked(text: string, secret: string | undefined): string {
  return secret === undefined ? text : text.replaceAll(secret, '[secret]')
}

function collect(stream: NodeJS.ReadableStream): () => Buffer {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= outputBytesMax) chunks.push(chunk)
  })
  return () => Buffer.concat(chunks)
}

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import type { Fixture } from './fixtures.ts'

/** A transfer of curl's that goes on as far as it is let. */
export interface PacedTransfer {
  /** Lets so many more bytes pass; for an upload resolves when curl has taken them. */
  pass(bytes: number): Promise<void>
  /** Lets the rest pass. What curl ended with, and said; of a download the SHA-256 of what came. */
  finish(): Promise<{ readonly code: number | null; readonly said: string; readonly sha256: string }>
  /** Ends curl. */
  stop(): void
}

/** `args`: all but where the bytes come from. */
export function pacedUpload(args: readonly string[], file: Fixture): PacedTransfer {
  const child = spawn('curl', ['-sS', '-T', '-', ...args], { stdio: ['pipe', 'ignore', 'pipe'] })
  child.stdin.on('error', () => undefined)
  const said = textOf(child.stderr)
  const ended = once(child, 'close') as Promise<[number | null]>
  let at = 0
  const pass = async (bytes: number) => {
    const handle = await open(file.path)
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(bytes), 0, bytes, at)
      at += bytesRead
      if (bytesRead > 0) await new Promise((taken) => child.stdin.write(buffer.subarray(0, bytesRead), taken))
    } finally {
      await handle.close()
    }
  }
  return {
    pass,
    async finish() {
      while (at < file.bytes && child.exitCode === null) await pass(4 * 1024 * 1024)
      child.stdin.end()
      const [code] = await ended
      return { code, said: said(), sha256: file.sha256 }
    },
    stop: () => void child.kill('SIGKILL'),
  }
}

/** `args` name what is downloaded. */
export function pacedDownload(args: readonly string[]): PacedTransfer {
  const child = spawn('curl', ['-sS', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = textOf(child.stderr)
  const ended = once(child, 'close') as Promise<[number | null]>
  const hash = createHash('sha256')
  let allowed = 0
  child.stdout.pause()
  child.stdout.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    allowed -= chunk.length
    if (allowed <= 0) child.stdout.pause()
  })
  return {
    async pass(bytes) {
      allowed += bytes
      if (allowed > 0) child.stdout.resume()
    },
    async finish() {
      allowed = Number.POSITIVE_INFINITY
      child.stdout.resume()
      const [code] = await ended
      return { code, said: said(), sha256: hash.digest('hex') }
    },
    stop: () => void child.kill('SIGKILL'),
  }
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

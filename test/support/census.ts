import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { vi } from 'vitest'
import type { GatewayProgram } from './gateway-program.ts'
import { signal } from './processes.ts'

/** What is alive in a gateway that was started with `censusOptions`, behind a garbage collection. */
export interface Census {
  readonly timers: number
  readonly contexts: number
  readonly servers: number
  readonly backends: number
  readonly doors: number
  readonly sessions: number
  readonly watches: number
  readonly heapUsed: number
  readonly external: number
  readonly handles: readonly string[]
  /** Open file descriptors of the process, by what they are, numbers left out. */
  readonly descriptors: readonly string[]
  /** Folders that the system watches for it. */
  readonly watched: number
}

export function censusOptions(file: string) {
  return { node: ['--import', new URL('census.mjs', import.meta.url).href], env: { CENSUS: file } }
}

export async function takeCensus({ pid }: Pick<GatewayProgram, 'pid'>, file: string): Promise<Census> {
  rmSync(file, { force: true })
  signal(pid, 'SIGUSR2')
  const text = await vi.waitFor(() => readFileSync(file, 'utf8'), { timeout: 30_000, interval: 20 })
  return { ...JSON.parse(text), descriptors: descriptorsOf(pid), watched: watchedBy(pid) }
}

/** How many descriptors a process has open. */
export function descriptorCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

function descriptorsOf(pid: number): string[] {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
  return links.map((link) => link.replace(/\d+/g, '…')).sort()
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    // Closed meanwhile.
    return ''
  }
}

function watchedBy(pid: number): number {
  const infos = readdirSync(`/proc/${pid}/fdinfo`).map((fd) => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))
  return infos.join('\n').match(/^inotify wd:/gm)?.length ?? 0
}

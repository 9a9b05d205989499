import { type Admin, startAdmin } from '../admin/admin-server.ts'
import type { Config } from '../config/config.ts'
import type { Observer } from '../observe/observer.ts'
import { StartError } from './start-error.ts'

/** Listening sockets that the service manager opened, by the name of their listener. */
export type PassedSockets = ReadonlyMap<string, readonly number[]>

/** The rendered metrics, for the admin port. */
export interface Metrics {
  text(): Promise<string>
  readonly contentType: string
}

/** A name that is mistyped would otherwise be a port that nobody answers. */
export function warnOfUnused(passed: PassedSockets, { listeners }: Config, observer: Observer): void {
  for (const name of passed.keys()) {
    if (listeners.some((listener) => listener.name === name)) continue
    const names = listeners.map((listener) => listener.name).join(', ')
    const message = `a socket named ${name} was passed, and nobody uses it: FileDescriptorName= must be one of ${names}`
    observer({ kind: 'warning', topic: 'passed_socket', message })
  }
}

export async function openAdmin(
  { address, port }: { readonly address: string; readonly port: number },
  metrics: Metrics,
  status: Parameters<typeof startAdmin>[0]['status'],
): Promise<Admin> {
  return startAdmin({ address, port, metrics, status }).catch((error: NodeJS.ErrnoException) => {
    throw new StartError(`admin: ${portProblem(error, address, port)}`, { cause: error })
  })
}

/** Why a port cannot be opened, and what to do. */
export function portProblem(error: NodeJS.ErrnoException, address: string, port: number): string {
  const where = `port ${port} on ${address}`
  if (error.code === 'EADDRINUSE') return `${where} is taken by another program; stop it or choose another port`
  if (error.code === 'EACCES')
    return `${where} may not be opened; give the process CAP_NET_BIND_SERVICE or choose a port from 1024`
  if (error.code === 'EADDRNOTAVAIL') return `${address} is not an address of this machine; choose another address`
  return `${where} cannot be opened: ${error.message}`
}

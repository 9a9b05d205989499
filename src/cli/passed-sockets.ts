import type { PassedSockets } from '../composition/openings.ts'

/** sd_listen_fds(3): the first one that is passed. */
const firstDescriptor = 3

/**
 * The sockets of `LISTEN_FDS`, under the names of their units (`FileDescriptorName=`), which are those of listeners. None
 * when they were meant for another process, as for the one that started us. A name has several where its unit has several addresses.
 */
export function passedSockets(env: NodeJS.ProcessEnv, pid: number): PassedSockets {
  const { LISTEN_PID, LISTEN_FDS = '', LISTEN_FDNAMES = '' } = env
  const count = /^\d{1,4}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : 0
  const sockets = new Map<string, number[]>()
  if (LISTEN_PID !== String(pid)) return sockets
  const names = LISTEN_FDNAMES.split(':')
  for (let i = 0; i < count; i++) {
    const name = names[i] || 'unknown'
    sockets.set(name, [...(sockets.get(name) ?? []), firstDescriptor + i])
  }
  return sockets
}

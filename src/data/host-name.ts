import { lookup } from 'node:dns/promises'
import type { Observer } from '../observe/observer.ts'

/** A name is looked up again after this long: the address of a cloud load balancer changes. */
const freshMs = 60_000
/** After a look-up that failed, PASV is answered without another one for so long. */
const pauseMs = 10_000
/** PASV does not wait longer for DNS when an address is known already. */
const patienceMs = 2_000

/** The IPv4 address of a name; rejects when there is none. */
export type LookUp = (name: string) => Promise<string>

/**
 * The IPv4 address of a host name, looked up again each minute. When DNS fails, the last address stays good and the
 * operator is told, once until DNS answers again; undefined as long as there never was one.
 */
export function addressOfName(
  name: string,
  observer: Observer,
  lookUp: LookUp = ipv4Of,
): () => Promise<string | undefined> {
  let known: string | undefined
  let failing = false
  let next = 0
  let current: Promise<void> | undefined
  const failed = (error: Error) => {
    next = performance.now() + pauseMs
    if (failing) return
    failing = true
    const instead = known === undefined ? 'the address of the control connection' : `the last one known, ${known}`
    const message = `passive.advertise: no address of ${name}, clients are told ${instead} (${error.message})`
    observer({ kind: 'warning', topic: 'passive_address', message })
  }
  const refresh = async () => {
    try {
      known = await lookUp(name)
      next = performance.now() + freshMs
      failing = false
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)))
    } finally {
      current = undefined
    }
  }
  const address = async () => {
    if (performance.now() >= next) current ??= refresh()
    if (current !== undefined) await (known === undefined ? current : within(patienceMs, current))
    return known
  }
  // The first PASV finds an answer, and a name that is mistyped shows at start.
  void address()
  return address
}

async function ipv4Of(name: string): Promise<string> {
  return (await lookup(name, { family: 4 })).address
}

/** Waits for the promise, but no longer than so long. */
function within(ms: number, promise: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void promise.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

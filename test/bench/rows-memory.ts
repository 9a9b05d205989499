import { chownSync, closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startDaemon } from '../support/daemon.ts'
import type { BenchPlace } from './bench-place.ts'
import { said } from './proxy.ts'
import type { Attempt, Row } from './row.ts'

const gateway = (place: BenchPlace) => place.gateway({ name: 'memory' })

const streams = 50
const waitMs = 10_000
/** The default of limits.bytesInFlight, which the bench's gateways keep. */
const budgetMib = 256

/** Clients that ask for much and read nothing: the gateway may hold its budget, and no more. */
export const memoryRow: Row = {
  name: 'memory',
  title: `${streams} downloads of 1 GiB whose clients read nothing; the budget (limits.bytesInFlight) is ${budgetMib} MiB`,
  unit: 'ms',
  amount: () => 1,
  runs: () => 1,
  warmUp: false,
  contenders: [{ name: 'gateway', gateway, prepare: stall }],
  targets: [{ contender: 'gateway', measure: 'growth', atMost: budgetMib }],
}

async function stall(place: BenchPlace): Promise<Attempt> {
  const { port, user, password, certificate } = await gateway(place)
  const path = makeSparseFile(place)
  const job = join(place.sshd.folder, 'stalled-streams.json')
  writeFileSync(job, JSON.stringify({ port, user, password, certificate, count: streams, path }), { mode: 0o600 })
  let stop = async () => {}
  return {
    async go() {
      const clients = await startDaemon('python3', [resolve('test/bench/stalled-streams.py'), job], place.ground)
      stop = clients.stop
      await said(clients, /^streams: (\d+)/m, 120_000)
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    },
    check: () => stop(),
  }
}

function makeSparseFile({ sshd }: BenchPlace): string {
  const name = 'sparse'
  const file = openSync(join(sshd.home, name), 'w')
  ftruncateSync(file, 1024 ** 3)
  closeSync(file)
  chownSync(join(sshd.home, name), sshd.user.uid, sshd.user.gid)
  return name
}

import type { BenchPlace } from './bench-place.ts'
import type { BenchOptions, Row, Target } from './row.ts'
import { gatewayGet, gatewayPut, sftpGet, sftpPut } from './rows-transfer.ts'
import type { GatewayOptions } from './servers.ts'

/** `sftp` moves 2 MiB a round trip, so the rows take minutes; three runs show enough. */
const common: Pick<Row, 'unit' | 'amount'> & Required<Pick<Row, 'runs'>> = {
  unit: 'MiB/s',
  amount: ({ size }: BenchOptions) => size,
  runs: (asked) => Math.min(asked, 3),
}

/** One large file, with a long line between the gateway and sshd; `sftp` goes the same way. */
export const distanceRows: readonly Row[] = [
  downloadRow(50, 3),
  downloadRow(100, 4),
  downloadRow(200, 4),
  uploadRow(100, [
    { contender: 'gateway', measure: 'speed', atLeast: 1 },
    { contender: 'gateway, stripe 4', measure: 'speed', atLeast: 3 },
  ]),
]

function downloadRow(rttMs: number, atLeast: number): Row {
  return {
    ...common,
    name: `download-${rttMs}ms`,
    title: `RETR of one large file, ${rttMs} ms to sshd`,
    contenders: [
      {
        name: 'sftp get',
        prepare: async (place, size) => sftpGet(place, size, { port: (await place.proxy(rttMs)).port }),
      },
      gatewayGet('gateway', far(rttMs, 1)),
    ],
    targets: [{ contender: 'gateway', measure: 'speed', atLeast }],
  }
}

function uploadRow(rttMs: number, targets: readonly Target[]): Row {
  return {
    ...common,
    name: `upload-${rttMs}ms`,
    title: `STOR of one large file, ${rttMs} ms to sshd`,
    contenders: [
      {
        name: 'sftp put',
        prepare: async (place, size) => sftpPut(place, size, { port: (await place.proxy(rttMs)).port }),
      },
      gatewayPut('gateway', far(rttMs, 1)),
      gatewayPut('gateway, stripe 4', far(rttMs, 4)),
    ],
    targets,
  }
}

function far(rttMs: number, stripe: number): (place: BenchPlace) => Promise<GatewayOptions> {
  return async (place) => {
    const { port } = await place.proxy(rttMs)
    return { name: `${rttMs}ms-stripe${stripe}`, backendPort: port, stripe }
  }
}

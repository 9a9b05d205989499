import type { Row } from './row.ts'
import { ftpGet, ftpPut, yardstick } from './rows-transfer.ts'

/** One large file through the relay, in front of an old server on the same machine: twice the TLS, and a third process. */
export const relayRows: readonly Row[] = [
  {
    name: 'relay-download',
    title: 'RETR of one large file, relayed to an old server',
    unit: 'MiB/s',
    amount: ({ size }) => size,
    contenders: [
      yardstick('vsftpd, old', ftpGet),
      {
        name: 'gateway, relay',
        gateway: (place) => place.relay(),
        prepare: async (place, size) => ftpGet(place, size, await place.relay()),
      },
    ],
    targets: [{ contender: 'gateway, relay', measure: 'speed', atLeast: 0.8 }],
  },
  {
    name: 'relay-upload',
    title: 'STOR of one large file, relayed to an old server',
    unit: 'MiB/s',
    amount: ({ size }) => size,
    contenders: [
      yardstick('vsftpd, old', ftpPut),
      {
        name: 'gateway, relay',
        gateway: (place) => place.relay(),
        prepare: async (place, size) => ftpPut(place, size, await place.relay()),
      },
    ],
    targets: [{ contender: 'gateway, relay', measure: 'speed', atLeast: 0.8 }],
  },
]

import type { BenchPlace } from './bench-place.ts'
import { curl, sftp } from './clients.ts'
import type { Attempt, Row } from './row.ts'
import { yardstick } from './rows-transfer.ts'
import type { FtpServer } from './servers.ts'

/** A process of its own: what earlier rows made it keep would hide what a listing takes. */
const gateway = (place: BenchPlace) => place.gateway({ name: 'list' })

/** One large directory, with everything that `ls -l` shows. */
export const listRow: Row = {
  name: 'list',
  title: 'LIST of one large directory',
  unit: 'files/s',
  amount: ({ entries }) => entries,
  contenders: [
    { name: 'sftp ls -l', prepare: sftpList },
    { name: 'gateway', gateway, prepare: gatewayList },
    yardstick('vsftpd, local', ftpList),
    yardstick('vsftpd over sshfs', ftpList),
  ],
  targets: [
    { contender: 'gateway', measure: 'time', atMost: 1.2 },
    { contender: 'gateway', measure: 'growth', atMost: 30 },
  ],
}

function sftpList(place: BenchPlace, entries: number): Promise<Attempt> {
  return list(place, entries, () => sftp(place, ['ls -l large']))
}

function ftpList(place: BenchPlace, entries: number, server: FtpServer): Promise<Attempt> {
  return list(place, entries, () => curl(server, [`url = "${server.url}/large/"`]))
}

async function gatewayList(place: BenchPlace, entries: number): Promise<Attempt> {
  const server = await gateway(place)
  const attempt = await ftpList(place, entries, server)
  // The memory of a first login and of its TLS is not the listing's.
  for (let i = 0; i < 3; i++) await curl(server, [`url = "${server.url}/"`])
  return attempt
}

async function list(place: BenchPlace, entries: number, ask: () => Promise<Buffer>): Promise<Attempt> {
  await place.largeDirectory(entries)
  let text = ''
  return {
    async go() {
      text = (await ask()).toString('latin1')
    },
    async check() {
      const names = new Set(text.match(/entry-\d+\.txt/g))
      if (names.size !== entries) throw new Error(`${names.size} names instead of ${entries} were listed`)
    },
  }
}

import { join } from 'node:path'
import type { BenchPlace } from './bench-place.ts'
import { manyFiles, sftp } from './clients.ts'
import type { Attempt, Contender, Row } from './row.ts'
import { yardstick } from './rows-transfer.ts'
import type { FtpServer } from './servers.ts'
import { emptyFolder, folderDigest, type SmallFiles } from './small-files.ts'

const gateway = (place: BenchPlace) => place.gateway({ name: 'small' })

/** Many small files in one session: a login, and then one file after the other. */
export const smallFileRows: readonly Row[] = [
  {
    name: 'small-up',
    title: 'STOR of files of 4 KiB in one session',
    unit: 'files/s',
    amount: ({ files }) => files,
    contenders: contenders(sftpUp, ftpUp),
    targets: [
      { contender: 'gateway', measure: 'value', atLeast: 250 },
      { contender: 'gateway', measure: 'speed', against: 'vsftpd over sshfs', moreThan: 1 },
    ],
  },
  {
    name: 'small-down',
    title: 'RETR of files of 4 KiB in one session',
    unit: 'files/s',
    amount: ({ files }) => files,
    contenders: contenders(sftpDown, ftpDown),
    targets: [
      { contender: 'gateway', measure: 'value', atLeast: 400 },
      { contender: 'gateway', measure: 'speed', against: 'vsftpd over sshfs', moreThan: 1 },
    ],
  },
]

function contenders(bySftp: Contender['prepare'], byFtp: typeof ftpUp): readonly [Contender, ...Contender[]] {
  return [
    { name: 'sftp', prepare: bySftp },
    { name: 'gateway', gateway, prepare: async (place, count) => byFtp(place, count, await gateway(place)) },
    yardstick('vsftpd, local', byFtp),
    yardstick('vsftpd over sshfs', byFtp),
  ]
}

function sftpUp(place: BenchPlace, count: number): Promise<Attempt> {
  return up(place, count, ({ folder }) => sftp(place, ['cd small-up', `put ${folder}/*`]))
}

function sftpDown(place: BenchPlace, count: number): Promise<Attempt> {
  return down(place, count, (_, target) => sftp(place, [`lcd ${target}`, 'get small/*']))
}

function ftpUp(place: BenchPlace, count: number, server: FtpServer): Promise<Attempt> {
  return up(place, count, ({ names, folder }) =>
    manyFiles(server, { direction: 'up', names, local: folder, remote: 'small-up' }),
  )
}

function ftpDown(place: BenchPlace, count: number, server: FtpServer): Promise<Attempt> {
  return down(place, count, ({ names }, target) =>
    manyFiles(server, { direction: 'down', names, local: target, remote: 'small' }),
  )
}

async function up(place: BenchPlace, count: number, store: (files: SmallFiles) => Promise<unknown>): Promise<Attempt> {
  const files = await place.smallFiles(count)
  const target = emptyFolder(join(place.sshd.home, 'small-up'), place.sshd.user)
  return { go: () => store(files), check: async () => same(target, files) }
}

async function down(
  place: BenchPlace,
  count: number,
  fetch: (files: SmallFiles, target: string) => Promise<unknown>,
): Promise<Attempt> {
  const files = await place.smallFiles(count)
  const target = emptyFolder(join(place.local, 'small-down'))
  return { go: () => fetch(files, target), check: async () => same(target, files) }
}

function same(folder: string, { digest }: SmallFiles): void {
  if (folderDigest(folder) !== digest) throw new Error(`${folder} does not hold the files that were sent`)
}

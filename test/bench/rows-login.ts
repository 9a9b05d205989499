import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runOk } from '../support/run.ts'
import type { BenchPlace } from './bench-place.ts'
import { curl } from './clients.ts'
import type { Attempt, Contender, Row } from './row.ts'
import { upload, yardstick } from './rows-transfer.ts'
import { type FtpServer, pooled } from './servers.ts'

const smallFile = 1024

/** A short visit: login, one file of 1 KiB, QUIT, in a curl process of its own. */
export const loginRow: Row = {
  name: 'login',
  title: 'login, STOR of 1 KiB and QUIT',
  unit: 'ms',
  amount: () => 1,
  // Short visits differ more than long transfers do.
  runs: (asked) => 4 * asked,
  contenders: [
    yardstick('vsftpd, local', visit),
    gatewayVisit('gateway, pooled account', pooled),
    gatewayVisit('gateway, passed through', {}),
    { name: 'curl alone', prepare: curlAlone },
  ],
  targets: [{ contender: 'gateway, pooled account', measure: 'speed', moreThan: 1 }],
}

function gatewayVisit(name: string, account: Partial<FtpServer>): Contender {
  const gateway = (place: BenchPlace) => place.gateway({ name: 'login' })
  return {
    name,
    gateway,
    prepare: async (place, amount) => visit(place, amount, { ...(await gateway(place)), ...account }),
  }
}

function visit(place: BenchPlace, _: number, server: FtpServer): Promise<Attempt> {
  return upload(place, smallFile, (source) =>
    curl(server, [`url = "${server.url}/stored"`, `upload-file = "${source}"`]),
  )
}

/** What starting curl and reading the file takes: part of every figure of the row. */
async function curlAlone(place: BenchPlace): Promise<Attempt> {
  const { path } = await place.source(smallFile)
  const target = join(place.local, 'copied')
  rmSync(target, { force: true })
  const input = `url = "${pathToFileURL(path)}"\noutput = "${target}"\nsilent`
  return { go: () => runOk('curl', ['-q', '--config', '-'], { input }), check: async () => undefined }
}

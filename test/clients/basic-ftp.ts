import { fileURLToPath } from 'node:url'
import type { ByteString } from '../../src/ftp/bytes.ts'
import { runOk } from '../support/run.ts'
import { type Client, clientEnvironment, clientTimeoutMs } from './client.ts'

const script = fileURLToPath(new URL('basic-ftp.mjs', import.meta.url))

/** The FTP client of Node's world, in a process of its own. */
export const basicFtp: Client = {
  name: 'basic-ftp',
  async perform(site, steps) {
    const answer = await runOk(process.execPath, [script], {
      input: JSON.stringify({ site, steps }),
      env: clientEnvironment(site),
      timeoutMs: clientTimeoutMs,
    })
    return JSON.parse(answer.toString()) as ByteString[][]
  },
}

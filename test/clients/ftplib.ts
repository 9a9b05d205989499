import { fileURLToPath } from 'node:url'
import type { ByteString } from '../../src/ftp/bytes.ts'
import { runOk } from '../support/run.ts'
import { type Client, clientEnvironment, clientTimeoutMs } from './client.ts'

const script = fileURLToPath(new URL('python-ftplib.py', import.meta.url))

/**
 * Python's ftplib; as it comes, it makes a new TLS session for each data connection. Names in the steps are byte strings,
 * and text where the client encodes them itself.
 */
export function ftplib(name: string, reuseSession: boolean, encoding = 'latin-1'): Client {
  return {
    name,
    async perform(site, steps) {
      const answer = await runOk('python3', [script], {
        input: JSON.stringify({ site, steps, reuseSession, encoding }),
        env: clientEnvironment(site),
        timeoutMs: clientTimeoutMs,
      })
      return JSON.parse(answer.toString()) as ByteString[][]
    },
  }
}

import type { ByteString } from '../../src/ftp/bytes.ts'
import type { Site } from '../support/place.ts'

/** One thing to do on a site. Remote paths are relative to where the login starts, local ones are absolute. */
export type Step =
  | { readonly do: 'put'; readonly local: string; readonly remote: ByteString }
  | { readonly do: 'get'; readonly remote: ByteString; readonly local: string }
  /** Continues a download whose first part is in the local file. */
  | { readonly do: 'resume'; readonly remote: ByteString; readonly local: string }
  | { readonly do: 'list'; readonly directory: ByteString }
  | { readonly do: 'rename'; readonly from: ByteString; readonly to: ByteString }
  | { readonly do: 'remove'; readonly remote: ByteString }
  | { readonly do: 'makeDirectory'; readonly directory: ByteString }
  | { readonly do: 'removeDirectory'; readonly directory: ByteString }

/** A real FTP client. One adapter per client, in the client's own test file. */
export interface Client {
  readonly name: string
  /**
   * Does all steps over one control connection and returns the names of each `list` step, in order. Throws when a step
   * fails, with what the client said.
   */
  perform(site: Site, steps: readonly Step[]): Promise<ByteString[][]>
}

/** The environment of every client process. No locale: names are bytes, and messages English. */
export function clientEnvironment(site: Site): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: site.folder, LC_ALL: 'C' }
}

/** A client gets this long for everything it has to do; the gateway's own limits are shorter. */
export const clientTimeoutMs = 120_000

/** An IPv6 address stands in brackets there. */
export function hostInUrl({ host }: Site): string {
  return host.includes(':') ? `[${host}]` : host
}

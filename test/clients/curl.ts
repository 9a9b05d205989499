import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ByteString, fromBuffer, toBuffer } from '../../src/ftp/bytes.ts'
import type { Site } from '../support/place.ts'
import { runOk } from '../support/run.ts'
import { type Client, clientEnvironment, clientTimeoutMs, hostInUrl, type Step } from './client.ts'

/** One curl process does all steps over one connection: a configuration with a `next` between transfers. */
export const curl: Client = {
  name: 'curl',
  async perform(site, steps) {
    const listing = (i: number) => join(site.folder, `listing-${i}`)
    const transfers = steps.map((step, i) =>
      [...connection(site), ...transfer(site, step, steps[i - 1], listing(i))].join('\n'),
    )
    await runOk('curl', ['-q', '--config', '-', '--fail-early'], {
      input: toBuffer(transfers.join('\nnext\n')),
      env: clientEnvironment(site),
      timeoutMs: clientTimeoutMs,
      secret: site.password,
    })
    return steps.flatMap((step, i) => (step.do === 'list' ? [lines(listing(i))] : []))
  },
}

function connection(site: Site): string[] {
  return [
    option('user', `${site.user}:${site.password}`),
    ...(site.mode === 'off' ? [] : secure(site)),
    ...(site.data === 'active' ? [option('ftp-port', '-')] : []),
    'silent',
    'show-error',
    'verbose',
    option('max-time', '60'),
  ]
}

function secure(site: Site): string[] {
  return [option('cacert', site.certificate), option('tls-max', site.tls), `tlsv${site.tls}`, 'ssl-reqd']
}

function transfer(site: Site, step: Step, previous: Step | undefined, listing: string): string[] {
  const root = `${site.mode === 'implicit' ? 'ftps' : 'ftp'}://${hostInUrl(site)}:${site.port}/`
  const url = (name: ByteString) => option('url', root + escaped(name))
  // curl sends these commands where the transfer before left it, and goes to the root only then.
  const quote = (...commands: ByteString[]) => [
    ...Array<string>(depth(previous)).fill(option('quote', 'CDUP')),
    ...commands.map((command) => option('quote', command)),
    option('url', root),
    'head',
  ]
  switch (step.do) {
    case 'put':
      return [url(step.remote), option('upload-file', step.local)]
    case 'get':
      return [url(step.remote), option('output', step.local)]
    case 'resume':
      return [url(step.remote), option('output', step.local), option('continue-at', '-')]
    case 'list':
      return [url(step.directory === '' ? '' : `${step.directory}/`), 'list-only', option('output', listing)]
    case 'rename':
      return quote(`RNFR ${step.from}`, `RNTO ${step.to}`)
    case 'remove':
      return quote(`DELE ${step.remote}`)
    case 'makeDirectory':
      return quote(`MKD ${step.directory}`)
    case 'removeDirectory':
      return quote(`RMD ${step.directory}`)
  }
}

/** How many directories below the root curl is after a step. */
function depth(step: Step | undefined): number {
  if (step === undefined) return 0
  if (step.do === 'list') return step.directory === '' ? 0 : step.directory.split('/').length
  return 'remote' in step && step.do !== 'remove' ? step.remote.split('/').length - 1 : 0
}

function option(name: string, value: ByteString): string {
  return `${name} = "${value.replace(/[\\"]/g, '\\$&')}"`
}

function escaped(name: ByteString): string {
  return name.replace(/[^A-Za-z0-9/._-]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function lines(path: string): ByteString[] {
  return fromBuffer(readFileSync(path)).split(/\r?\n/).slice(0, -1)
}

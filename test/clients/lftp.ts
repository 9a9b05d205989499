import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ByteString, fromBuffer, toBuffer } from '../../src/ftp/bytes.ts'
import type { Site } from '../support/place.ts'
import { runOk } from '../support/run.ts'
import { type Client, clientEnvironment, clientTimeoutMs, hostInUrl, type Step } from './client.ts'

/** One lftp session does all steps as a script, after `settings` and in a locale. */
export function lftpWith(locale: string, settings: readonly string[]): Client {
  return {
    name: 'lftp',
    async perform(site, steps) {
      const listing = (i: number) => join(site.folder, `listing-${i}`)
      const script = [...settings, ...connection(site), ...steps.map((step, i) => command(step, listing(i))), 'bye']
      // A file, because lftp opens what -f names, and that cannot be a pipe of Node's; it holds the password.
      const path = join(site.folder, 'script')
      writeFileSync(path, toBuffer(script.map((line) => `${line}\n`).join('')), { mode: 0o600 })
      await runOk('lftp', ['--norc', '-d', '-f', path], {
        env: { ...clientEnvironment(site), LC_ALL: locale },
        timeoutMs: clientTimeoutMs,
        // lftp shows the password where TLS is on from the start.
        secret: site.password,
      })
      return steps.flatMap((step, i) => (step.do === 'list' ? [lines(listing(i))] : []))
    },
  }
}

/** Names are bytes; otherwise lftp converts them between the locale's charset and UTF-8. */
export const lftp = lftpWith('C', ['set ftp:use-utf8 no'])

function connection(site: Site): string[] {
  return [
    'set cmd:fail-exit yes',
    'set net:max-retries 1',
    'set net:timeout 30',
    'set net:reconnect-interval-base 1',
    'set xfer:clobber yes',
    'set ssl:verify-certificate yes',
    `set ssl:ca-file ${site.certificate}`,
    `set ssl:priority NORMAL:-VERS-ALL:+VERS-TLS${site.tls}`,
    ...(site.mode === 'off' ? ['set ftp:ssl-allow no'] : ['set ftp:ssl-force yes', 'set ftp:ssl-protect-data yes']),
    `set ftp:passive-mode ${site.data === 'passive'}`,
    // No help from the cache: a listing is what the server says.
    'set cache:enable no',
    `open -u ${site.user},${site.password} ${site.mode === 'implicit' ? 'ftps' : 'ftp'}://${hostInUrl(site)}:${site.port}`,
  ]
}

function command(step: Step, listing: string): ByteString {
  switch (step.do) {
    case 'put':
      return `put -- ${quoted(step.local)} -o ${quoted(step.remote)}`
    case 'get':
      return `get -- ${quoted(step.remote)} -o ${quoted(step.local)}`
    case 'resume':
      return `get -c -- ${quoted(step.remote)} -o ${quoted(step.local)}`
    case 'list':
      return `cls -1 -- ${quoted(step.directory === '' ? '.' : `${step.directory}/`)} >${quoted(listing)}`
    case 'rename':
      // `mv --` is another command of lftp's (move into a directory), so a leading dash needs a folder in front.
      return `mv ${quoted(guarded(step.from))} ${quoted(guarded(step.to))}`
    case 'remove':
      return `rm -- ${quoted(step.remote)}`
    case 'makeDirectory':
      return `mkdir -- ${quoted(step.directory)}`
    case 'removeDirectory':
      return `rmdir -- ${quoted(step.directory)}`
  }
}

function guarded(name: ByteString): ByteString {
  return name.startsWith('-') ? `./${name}` : name
}

function quoted(text: ByteString): ByteString {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}

function lines(path: string): ByteString[] {
  const names = fromBuffer(readFileSync(path)).split('\n').slice(0, -1)
  return names.map((name) => name.replace(/\/$/, '').replace(/^.*\//, ''))
}

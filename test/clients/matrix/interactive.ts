import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Site } from '../../support/place.ts'
import { run, runOk } from '../../support/run.ts'
import { type Client, clientEnvironment, clientTimeoutMs, type Step } from '../client.ts'
import { onlyTlsOf } from './openssl-config.ts'

/**
 * The clients with the prompt `ftp>`, all grown from BSD's: the commands come by standard input. What they did is seen on
 * the disk only; their exit code says nothing.
 */
export function bsdClient(file: string, options: (site: Site) => readonly string[]): Client {
  return {
    name: file,
    async perform(site, steps) {
      const listing = (i: number) => join(site.folder, `listing-${i}`)
      const commands = [
        `user ${site.user} ${site.password}`,
        'binary',
        ...steps.map((step, i) => command(step, listing(i))),
        'quit',
      ]
      await run(file, ['-n', '-i', '-v', ...options(site), site.host, String(site.port)], {
        input: commands.map((line) => `${line}\n`).join(''),
        env: { ...clientEnvironment(site), ...onlyTlsOf(site) },
        cwd: site.folder,
        timeoutMs: clientTimeoutMs,
      })
      return steps.flatMap((step, i) => (step.do === 'list' ? [linesOf(listing(i))] : []))
    },
  }
}

/** Its own dialect, and a program of its own for listings that others are to read. */
export const ncftp: Client = {
  name: 'ncftp',
  async perform(site, steps) {
    const lists: string[][] = []
    let waiting: string[] = []
    const flush = async () => {
      if (waiting.length > 0) await ncftpSession(site, waiting)
      waiting = []
    }
    for (const step of steps) {
      if (step.do === 'list') {
        await flush()
        lists.push(await ncftpList(site))
      } else {
        waiting.push(ncftpCommand(step))
      }
    }
    await flush()
    return lists
  },
}

async function ncftpSession(site: Site, commands: readonly string[]): Promise<void> {
  const lines = [
    `set passive ${site.data === 'passive' ? 'on' : 'off'}`,
    `open -u ${site.user} -p ${site.password} -P ${site.port} ${site.host}`,
    ...commands,
    'quit',
  ]
  await run('ncftp3', [], {
    input: lines.map((line) => `${line}\n`).join(''),
    env: clientEnvironment(site),
    cwd: site.folder,
    timeoutMs: clientTimeoutMs,
  })
}

async function ncftpList(site: Site): Promise<string[]> {
  const settings = join(site.folder, 'login')
  writeFileSync(settings, `host ${site.host}\nuser ${site.user}\npass ${site.password}\n`, { mode: 0o600 })
  const args = [
    '-1',
    '-f',
    settings,
    '-P',
    String(site.port),
    site.data === 'passive' ? '-F' : '-E',
    `ftp://${site.host}/`,
  ]
  const stdout = await runOk('ncftpls', args, { env: clientEnvironment(site), timeoutMs: clientTimeoutMs })
  return stdout
    .toString('latin1')
    .split('\n')
    .slice(0, -1)
    .map((name) => name.replace(/\/$/, ''))
}

function command(step: Step, listing: string): string {
  switch (step.do) {
    case 'put':
      return `put ${step.local} ${step.remote}`
    case 'get':
    case 'resume':
      return `get ${step.remote} ${step.local}`
    case 'list':
      return `nlist . ${listing}`
    case 'rename':
      return `rename ${step.from} ${step.to}`
    case 'remove':
      return `delete ${step.remote}`
    case 'makeDirectory':
      return `mkdir ${step.directory}`
    case 'removeDirectory':
      return `rmdir ${step.directory}`
  }
}

function ncftpCommand(step: Step): string {
  switch (step.do) {
    case 'put':
      return `put -z ${step.local} ${step.remote}`
    case 'get':
    case 'resume':
      return `get -z ${step.remote} ${step.local}`
    case 'remove':
      return `rm ${step.remote}`
    default:
      return command(step, '')
  }
}

function linesOf(path: string): string[] {
  const lines = readFileSync(path, 'latin1').split(/\r?\n/).slice(0, -1)
  return lines.map((line) => line.replace(/^\.\//, '').replace(/[/@*]$/, ''))
}

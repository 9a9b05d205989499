import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Site } from '../../support/place.ts'
import { runOk } from '../../support/run.ts'
import { type Client, clientEnvironment, clientTimeoutMs, hostInUrl, type Step } from '../client.ts'

type CommandLine = readonly [file: string, args: readonly string[]]

/** A client that does one thing a start. Its `list` writes names to standard output, or to the file that `names` reads. */
function oneShot(
  name: string,
  commandLine: (site: Site, step: Step) => CommandLine | Promise<CommandLine>,
  names: (stdout: string, site: Site) => string[],
): Client {
  return {
    name,
    async perform(site, steps) {
      const lists: string[][] = []
      for (const step of steps) {
        const [file, args] = await commandLine(site, step)
        const stdout = await runOk(file, args, {
          env: { ...clientEnvironment(site), SSL_CERT_FILE: site.certificate },
          cwd: site.folder,
          timeoutMs: clientTimeoutMs,
          secret: site.password,
        })
        if (step.do === 'list') lists.push(names(stdout.toString('latin1'), site))
      }
      return lists
    },
  }
}

function cannot(name: string, step: Step): never {
  throw new Error(`${name} cannot ${step.do}.`)
}

export const wget = oneShot(
  'wget',
  (site, step) => {
    const scheme = site.mode === 'off' ? 'ftp' : 'ftps'
    const url = `${scheme}://${hostInUrl(site)}:${site.port}/`
    // A file, as the address would show the password to everybody.
    const settings = join(site.folder, 'wgetrc')
    writeFileSync(settings, `ftp_user = ${site.user}\nftp_password = ${site.password}\n`, { mode: 0o600 })
    const args = [
      `--config=${settings}`,
      '--tries=1',
      '--timeout=60',
      `--ca-certificate=${site.certificate}`,
      // --secure-protocol names the lowest version only.
      `--ciphers=NORMAL:-VERS-ALL:+VERS-TLS${site.tls}`,
      ...(site.mode === 'implicit' ? ['--ftps-implicit'] : []),
      ...(site.data === 'active' ? ['--no-passive-ftp'] : []),
    ]
    if (step.do === 'list') {
      return ['wget', [...args, '--no-remove-listing', '-O', join(site.folder, 'index.html'), url]]
    }
    if (step.do !== 'get') cannot('wget', step)
    return ['wget', [...args, '-O', step.local, url + step.remote]]
  },
  (_, site) => {
    const listing = join(site.folder, '.listing')
    const lines = readFileSync(listing, 'latin1').split(/\r?\n/).slice(0, -1)
    rmSync(listing)
    // wget asks for LIST -a.
    return lines.map((line) => line.replace(/^.*\s/, '')).filter((name) => !/^\.\.?$/.test(name))
  },
)

export const busybox = oneShot(
  'busybox',
  ({ host, port, user, password }, step) => {
    const connection = ['-u', user, '-p', password, '-P', String(port), host]
    if (step.do === 'put') return ['busybox', ['ftpput', ...connection, step.remote, step.local]]
    if (step.do !== 'get') cannot('busybox', step)
    return ['busybox', ['ftpget', ...connection, step.local, step.remote]]
  },
  () => [],
)

export const rclone = oneShot(
  'rclone',
  async (site, step) => {
    const password = await runOk('rclone', ['obscure', '-'], { input: site.password, env: clientEnvironment(site) })
    const settings = join(site.folder, 'rclone.conf')
    const lines = [
      '[site]',
      'type = ftp',
      `host = ${hostInUrl(site)}`,
      `port = ${site.port}`,
      `user = ${site.user}`,
      `pass = ${password.toString().trim()}`,
      `tls = ${site.mode === 'implicit'}`,
      `explicit_tls = ${site.mode === 'explicit'}`,
      `disable_tls13 = ${site.tls === '1.2'}`,
    ]
    writeFileSync(settings, `${lines.join('\n')}\n`, { mode: 0o600 })
    const args = ['--config', settings, '--retries', '1', '--low-level-retries', '1']
    return ['rclone', [...args, ...rcloneCommand(step)]]
  },
  (stdout) =>
    stdout
      .split('\n')
      .slice(0, -1)
      .map((name) => name.replace(/\/$/, '')),
)

function rcloneCommand(step: Step): string[] {
  switch (step.do) {
    case 'put':
      return ['copyto', step.local, `site:${step.remote}`]
    case 'get':
    case 'resume':
      return ['copyto', `site:${step.remote}`, step.local]
    case 'list':
      return ['lsf', 'site:']
    case 'rename':
      return ['moveto', `site:${step.from}`, `site:${step.to}`]
    case 'remove':
      return ['deletefile', `site:${step.remote}`]
    case 'makeDirectory':
      return ['mkdir', `site:${step.directory}`]
    case 'removeDirectory':
      return ['rmdir', `site:${step.directory}`]
  }
}

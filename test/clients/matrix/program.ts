import { join } from 'node:path'
import type { Site } from '../../support/place.ts'
import { runOk } from '../../support/run.ts'
import { type Client, clientEnvironment, clientTimeoutMs, type Step } from '../client.ts'

/**
 * A client that is a library, driven by a small program of `programs/`. It reads lines of fields between tabs: the site
 * first (host, port, mode, tls, data, user, password, certificate), then a line a step. For each `list` it prints a line:
 * that word, and the names. It ends with an exit code of its own when a step fails, and what it says goes to standard error.
 */
export function programClient(
  name: string,
  command: readonly string[],
  environment: (site: Site) => NodeJS.ProcessEnv = () => ({}),
): Client {
  const [file = '', ...args] = command
  return {
    name,
    async perform(site, steps) {
      const lines = [
        [site.host, site.port, site.mode, site.tls, site.data, site.user, site.password, site.certificate],
        ...steps.map(fields),
      ]
      const stdout = await runOk(file, args, {
        input: lines.map((line) => `${line.join('\t')}\n`).join(''),
        env: { ...clientEnvironment(site), ...environment(site) },
        cwd: site.folder,
        timeoutMs: clientTimeoutMs,
        secret: site.password,
      })
      const printed = stdout.toString('latin1').split('\n')
      return printed.filter((line) => line.startsWith('list\t')).map((line) => line.split('\t').slice(1))
    },
  }
}

/** The path of a file of `programs/`. */
export function programFile(name: string): string {
  return join(import.meta.dirname, 'programs', name)
}

function fields(step: Step): string[] {
  switch (step.do) {
    case 'put':
      return [step.do, step.local, step.remote]
    case 'get':
    case 'resume':
      return [step.do, step.remote, step.local]
    case 'rename':
      return [step.do, step.from, step.to]
    case 'remove':
      return [step.do, step.remote]
    default:
      return [step.do, step.directory]
  }
}

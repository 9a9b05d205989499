import { exit } from './exit.ts'
import { loadChecked } from './load-checked.ts'
import { type Io, parseOptions, parsePort, UsageError, type Verb } from './verb.ts'

const timeoutMs = 5_000

export const health: Verb = {
  name: 'health',
  synopsis: '--config FILE | --port PORT',
  summary: 'ask a running gateway on this machine whether it is well (exit code 0 or 1)',
  details: `  --config FILE   find the admin port in the configuration
  --port PORT     the admin port itself
`,
  async run(args, io) {
    const options = parseOptions(args, { config: { type: 'string' }, port: { type: 'string' } })
    const url = `http://${await adminHost(options, io)}/healthz`
    try {
      const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) })
      await response.body?.cancel()
      if (response.ok) return exit.ok
      io.stderr.write(`ftps-gateway: ${url} answers ${response.status}\n`)
    } catch (error) {
      const { cause, message } = error as Error
      io.stderr.write(`ftps-gateway: no answer from ${url}: ${cause instanceof Error ? cause.message : message}\n`)
    }
    return exit.failure
  },
}

interface Options {
  readonly config?: string | undefined
  readonly port?: string | undefined
}

/** `host:port` of the admin server. A server on all addresses is asked on loopback. */
async function adminHost({ config: file, port }: Options, io: Io): Promise<string> {
  if (port !== undefined) return `127.0.0.1:${parsePort('port', port)}`
  if (file === undefined) throw new UsageError('health needs --config FILE or --port PORT')
  const { admin } = await loadChecked(file, io.env)
  if (!admin) throw new UsageError(`${file} says admin: off, so there is nobody to ask`)
  const address = { '0.0.0.0': '127.0.0.1', '::': '::1' }[admin.address] ?? admin.address
  return address.includes(':') ? `[${address}]:${admin.port}` : `${address}:${admin.port}`
}

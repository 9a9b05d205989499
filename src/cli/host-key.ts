import { isIPv6 } from 'node:net'
import { probeHostKey } from '../backend/sftp/probe.ts'
import { exit } from './exit.ts'
import { parseWord, UsageError, type Verb } from './verb.ts'

const timeoutMs = 10_000

export const hostKey: Verb = {
  name: 'host-key',
  synopsis: 'HOST[:PORT]',
  summary: 'show the host keys of an SFTP server, to pin them',
  details: `  HOST[:PORT]   name or address; [::1]:2222 for IPv6 with a port; the port is 22 when it is left out

Prints what the server shows now. Compare it with what its administrator says before you use it.
`,
  async run(args, io) {
    const { host, port } = parseHost(parseWord(args, 'host-key needs HOST[:PORT]'))
    const keys = await probeHostKey(host, port, timeoutMs)
    for (const { type, fingerprint } of keys) io.stdout.write(`# ${type}\n- ${fingerprint}\n`)
    io.stderr.write('Compare with what the administrator of the server says, then put the lines below hostKeys:\n')
    return exit.ok
  },
}

/** Host and port of `host`, `host:2222`, `::1` or `[::1]:2222`. Throws UsageError. */
export function parseHost(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain ?? (isIPv6(text) ? text : undefined)
  const port = Number(digits ?? 22)
  if (host === undefined || port < 1 || port > 65535) throw new UsageError(`not HOST[:PORT]: ${text}`)
  return { host, port }
}

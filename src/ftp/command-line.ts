import { asciiUpperCase, type ByteString } from './bytes.ts'

export interface CommandLine {
  /** Upper case; empty when the line has no verb. */
  readonly verb: ByteString
  /** Everything after the one space that ends the verb, unchanged. */
  readonly argument: ByteString
}

/**
 * Splits a line (without its line end) into verb and argument. Only one space separates them, so file names may start
 * and end with spaces and passwords keep theirs. Up to four spaces before the verb are dropped: some scripts indent.
 */
export function parseCommandLine(line: ByteString): CommandLine {
  const text = line.replace(/^ {1,4}/, '')
  const space = text.indexOf(' ')
  if (space === -1) return { verb: asciiUpperCase(text), argument: '' }
  return { verb: asciiUpperCase(text.slice(0, space)), argument: text.slice(space + 1) }
}

const httpVerbs = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'OPTIONS', 'DELETE', 'CONNECT', 'TRACE']
const webDavVerbs = ['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK']
const mailVerbs = ['HELO', 'EHLO', 'LHLO', 'MAIL', 'RCPT', 'STARTTLS']
const foreignVerbs: ReadonlySet<string> = new Set([...httpVerbs, ...webDavVerbs, ...mailVerbs])

/**
 * Whether a line that came before login belongs to another protocol: browsers and mail clients made to talk to an FTP
 * port (ALPACA, NAT pinning). `refuse` means 501 and close; `drop` means close without a word, because the peer speaks
 * TLS or SSH and would not read it.
 */
export function foreignProtocol(line: ByteString): 'refuse' | 'drop' | undefined {
  if (line.startsWith('\x16\x03') || line.startsWith('SSH-')) return 'drop'
  if (/^[\x00-\x1f\x7f]/.test(line)) return 'refuse'
  const { verb } = parseCommandLine(line)
  return foreignVerbs.has(verb) || verb.startsWith('HTTP/') || verb.endsWith(':') ? 'refuse' : undefined
}

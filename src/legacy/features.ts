import type { ByteString } from '../ftp/bytes.ts'
import type { OldReply } from './old-server.ts'

/** What the old server may offer and the relay cannot pass on: other kinds of security, addresses and data connections. */
const notRelayed: ReadonlySet<string> = new Set(
  'AUTH PBSZ PROT CCC ADAT MIC CONF ENC PASV EPSV PORT EPRT SPSV LPSV LPRT CPSV SSCN HOST REIN ESTA ESTP'.split(' '),
)

/**
 * The old server's answer to FEAT (RFC 2389) without what cannot be relayed, and with our own features for what is answered
 * here: the rest is its own, line for line.
 */
export function relayedFeatures(answer: OldReply, ours: readonly ByteString[]): OldReply {
  const lines = answer.verbatim.split(/(?<=\n)/)
  if (answer.code !== 211 || lines.length < 3) return answer
  const theirs = lines.slice(1, -1).filter((line) => !notRelayed.has(verbOf(line)))
  const verbatim = [...lines.slice(0, 1), ...theirs, ...ours.map((line) => ` ${line}\r\n`), ...lines.slice(-1)].join('')
  return { ...answer, verbatim }
}

/** Some servers begin each line with `211-`. */
function verbOf(line: ByteString): ByteString {
  return (/^(?:211-)?\s*([^\s;]+)/.exec(line)?.[1] ?? '').toUpperCase()
}

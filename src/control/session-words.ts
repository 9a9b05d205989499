import type { Session, User } from '../commands/command.ts'
import { type ByteString, fromText, toText } from '../ftp/bytes.ts'
import type { ClientCertificate } from '../tls/client-certificates.ts'
import type { SessionNames } from './session-names.ts'
import type { TransferRunner } from './transfer-runner.ts'

interface Described
  extends Pick<Session, 'id' | 'clientAddress' | 'security' | 'type' | 'mode' | 'protection' | 'transferring'> {
  readonly user: User | undefined
  readonly names: SessionNames
  readonly transfers: TransferRunner
}

/** Who a session is, its parameters, and what it is doing, for the client. */
export function statusLines(session: Described): readonly ByteString[] {
  const { clientAddress, id, user, names, type, mode, security, protection } = session
  const transfer = session.transferring ? session.transfers.status() : undefined
  const { name = '' } = user ?? {}
  return [
    `Connected from ${clientAddress}, session ${id}`,
    user ? `Logged in as ${names.understood(name) ?? fromText(toText(name))}` : 'Not logged in',
    `TYPE: ${type}, STRU: F, MODE: ${mode}`,
    `Control connection: ${security === 'secure' ? 'TLS' : 'plain'}, PROT ${protection}`,
    transfer ? `Transfer: ${transfer}` : 'No transfer in progress',
  ]
}

/** A certificate that a client has shown, for the log. */
export function certificateInWords({ fingerprint, commonName }: ClientCertificate): string {
  return `${commonName === undefined ? '' : `CN=${commonName}, `}SHA256:${fingerprint}`
}

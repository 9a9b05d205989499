import type { MissingCause } from '../observe/observer.ts'
import { isPrivate } from './addresses.ts'
import type { DataFailure } from './data-error.ts'

/** What is known of a data connection that did not come about. */
export interface Missing {
  /** What prepared it, or was refused; PORT stands for EPRT too. */
  readonly command: 'PASV' | 'EPSV' | 'PORT'
  readonly failure: DataFailure
  /** What the system or OpenSSL said. */
  readonly reason: string
  /** The address that the client was told, or that it named. */
  readonly host: string
  readonly port: number
  readonly client: string
  /** The first other address that connected to the passive port. */
  readonly stranger: string | undefined
  /** What became of the session's data connection before this one. */
  readonly before: 'none' | 'came' | 'missing'
}

/** A cause for the metric, words for the operator, and a hint that the client may read. */
export interface Diagnosis {
  readonly cause: MissingCause
  readonly likely: string
  readonly hint: string
}

const askForPassive = 'Behind NAT or a firewall use passive mode.'
const askForFirewall = 'A firewall or NAT between us may drop the passive ports.'

/** The likely cause, from what the gateway can see; the first that fits is the one that explains most. */
export function diagnose(missing: Missing): Diagnosis {
  switch (missing.failure) {
    case 'noPort':
      return {
        cause: 'ports_exhausted',
        likely: `there is no port for it (${missing.reason}): passive.ports has to be larger`,
        hint: '',
      }
    case 'foreignAddress':
      return ofForeignAddress(missing)
    case 'tls':
      return ofTls(missing)
    case 'notResumed':
      return {
        cause: 'not_resumed',
        likely: 'it does not continue the TLS session: tls.sessionReuse: prefer in its partner file lets it in',
        hint: '',
      }
    default:
      return missing.command === 'PORT' ? ofActive(missing) : ofPassive(missing)
  }
}

function ofPassive({ command, host, port, client, stranger, before }: Missing): Diagnosis {
  if (stranger !== undefined) {
    return {
      cause: 'peer_mismatch',
      likely:
        `${stranger} came in its place, and only the address of the control connection is let in: the client has ` +
        'several addresses or a proxy is between; passive.peerMustMatch: any in its partner file lets it in',
      hint: 'Data connections must come from the address of the control connection.',
    }
  }
  if (command === 'PASV' && isPrivate(host) && !isPrivate(client)) {
    return {
      cause: 'advertised_private',
      likely: `${host} is private and the client is outside: passive.advertise has to be the gateway's outer address`,
      hint: 'The server told you an address that you cannot reach; EPSV may work.',
    }
  }
  if (command === 'PASV' && !isPrivate(host) && isPrivate(client)) {
    return {
      cause: 'advertised_public',
      likely: `${host} is an outer address and the client is inside: passive.advertiseFor can name the inner one`,
      hint: askForFirewall,
    }
  }
  if (before === 'came') {
    return {
      cause: 'client_silent',
      likely: 'the connection before came, so the way is open: the client gave up, or a firewall has lost track of it',
      hint: '',
    }
  }
  const again = before === 'missing' ? ' the one before did not come either:' : ''
  return {
    cause: before === 'missing' ? 'firewall_again' : 'firewall',
    likely: `nothing came to port ${port}:${again} a firewall or load balancer between does not let passive.ports through`,
    hint: askForFirewall,
  }
}

function ofActive({ failure, reason, client }: Missing): Diagnosis {
  const refused = failure === 'refused' && reason.includes('ECONNREFUSED')
  const where = isPrivate(client) ? 'a firewall on its side' : 'NAT or a firewall on its side'
  return refused
    ? {
        cause: 'client_refuses',
        likely: `its host refuses: ${where} is in the way or its program has gone; passive mode helps`,
        hint: askForPassive,
      }
    : {
        cause: 'client_unreachable',
        likely: `there is no answer (${reason}): ${where} drops the connection; passive mode helps`,
        hint: askForPassive,
      }
}

function ofForeignAddress({ host, port, client }: Missing): Diagnosis {
  const cause = 'foreign_address'
  if (host !== client && isPrivate(host)) {
    return {
      cause,
      likely: `${host} is its address behind NAT: active.privateAddress: rewrite in its partner file, or passive mode`,
      hint: askForPassive,
    }
  }
  const what = host === client ? `port ${port} is not one that a client would listen on` : `${host} is another host`
  return { cause, likely: `${what}: a client that is wrong about itself, or an attack through the gateway`, hint: '' }
}

/** OpenSSL's words for bytes that are no TLS, and ours for a client that sends none. */
const noTls = /wrong version number|packet length too long|http request|unknown protocol|no TLS handshake/i

function ofTls({ reason }: Missing): Diagnosis {
  if (noTls.test(reason)) {
    return {
      cause: 'plain_client',
      likely: `it connected and spoke no TLS after PROT P (${reason}): data protection is off in its settings`,
      hint: 'TLS was not begun on the data connection.',
    }
  }
  const likely = `TLS failed (${reason}): it does not accept the certificate, or TLS versions and ciphers do not meet`
  return { cause: 'tls_failed', likely, hint: '' }
}

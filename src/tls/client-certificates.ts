import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type TLSSocket } from 'node:tls'

/** Whether a listener asks its clients for certificates, and whose it believes; read anew for new sessions. */
export interface ClientAuthorities {
  readonly mode: 'request' | 'require'
  /** PEM, one or several. */
  readonly ca: string
  /** PEM, one list each; empty: nothing is looked up. */
  readonly crl: readonly string[]
}

/** What a client has shown, and the gateway has found to be valid. */
export interface ClientCertificate {
  /** SHA-256 of the certificate: `AB:CD:…`. */
  readonly fingerprint: string
  /** Undefined where there is none, or more than one. */
  readonly commonName: string | undefined
}

/** The valid certificate of a client, or in words why there is none. */
export type Shown =
  | { readonly certificate: ClientCertificate; readonly refused?: undefined }
  | { readonly certificate: undefined; readonly refused: string | undefined }

const words: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'it has expired'],
  ['CERT_NOT_YET_VALID', 'it is not valid yet'],
  ['CERT_REVOKED', 'it is revoked'],
  ['CRL_HAS_EXPIRED', 'the list of revoked certificates (clientCrl) has expired'],
  ['UNABLE_TO_GET_CRL', 'there is no list of revoked certificates (clientCrl) of its authority'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'its authority is not in clientCa'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its authority is not in clientCa'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its authority is not in clientCa'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'it is signed by itself and not in clientCa'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its authority is not in clientCa'],
  ['INVALID_PURPOSE', 'it is not made for clients'],
])

/** What the client of a handshake has shown that was asked for a certificate; a resumed session shows what its first one did. */
export function shownBy(socket: TLSSocket): Shown {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { certificate: undefined, refused: undefined }
  // tls.Server asks this way; a socket that it has not made leaves it to its maker, and has no public name for it.
  const { _handle } = socket as TLSSocket & {
    readonly _handle?: { verifyError?(): (Error & { code?: string }) | null }
  }
  if (typeof _handle?.verifyError !== 'function') throw new Error('this Node cannot verify client certificates')
  const error = _handle.verifyError()
  const { CN } = certificate.toLegacyObject().subject
  const commonName = typeof CN === 'string' ? CN : undefined
  const { fingerprint256: fingerprint } = certificate
  if (error === null) return { certificate: { fingerprint, commonName } }
  const why = words.get(error.code ?? '') ?? error.message
  const name = commonName === undefined ? '' : `CN=${commonName}, `
  return {
    certificate: undefined,
    refused: `the client's certificate (${name}SHA256:${fingerprint}) is refused: ${why}`,
  }
}

/** Reads the authorities of a listener. Throws an Error whose message is one sentence for the operator. */
export async function loadClientAuthorities(
  mode: ClientAuthorities['mode'],
  caFile: string,
  crlFile: string | undefined,
): Promise<ClientAuthorities> {
  const certificates = blocks(await read(caFile), 'CERTIFICATE')
  if (certificates.length === 0) throw new Error(`${caFile}: there is no certificate in PEM form in it`)
  for (const pem of certificates) {
    try {
      new X509Certificate(pem)
    } catch (error) {
      throw new Error(`${caFile}: a certificate in it is damaged`, { cause: error })
    }
  }
  const ca = certificates.join('\n')
  if (crlFile === undefined) return { mode, ca, crl: [] }
  const crl = blocks(await read(crlFile), 'X509 CRL')
  if (crl.length === 0) throw new Error(`${crlFile}: there is no list of revoked certificates in PEM form in it`)
  try {
    createSecureContext({ crl })
  } catch (error) {
    throw new Error(`${crlFile}: a list of revoked certificates in it is damaged`, { cause: error })
  }
  return { mode, ca, crl }
}

function blocks(text: string, label: string): string[] {
  return text.match(new RegExp(`-----BEGIN ${label}-----[^-]*-----END ${label}-----`, 'g')) ?? []
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}

/** For the log. */
export function inWords({ fingerprint, commonName }: ClientCertificate): string {
  return `${commonName === undefined ? '' : `CN=${commonName}, `}SHA256:${fingerprint}`
}

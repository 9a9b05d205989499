/** Why a data connection could not be opened or did not end well; `control/replies.ts` turns each into a reply. */
export type DataFailure =
  /** No PASV, EPSV, PORT or EPRT before the transfer command. */
  | 'notPrepared'
  /** Every port of the range is taken. */
  | 'noPort'
  /** PORT or EPRT names another host than the client, or a port below 1024. */
  | 'foreignAddress'
  /** PASV on an IPv6 control connection. */
  | 'wrongFamily'
  /** PROT C where the policy wants P. */
  | 'unprotected'
  | 'timeout'
  | 'refused'
  /** The TLS handshake failed, or the client left before it was done. */
  | 'tls'
  /** Policy wants a resumed TLS session and the client made a new one. */
  | 'notResumed'
  /** The upload ended without TLS close_notify. */
  | 'truncated'
  /** The upload's size is not what ALLO declared. */
  | 'wrongSize'
  /** What came in MODE Z is damaged or incomplete. */
  | 'corrupt'
  | 'reset'
  | 'stalled'
  | 'aborted'

export class DataConnectionError extends Error {
  override readonly name = 'DataConnectionError'
  readonly failure: DataFailure
  /** What the client may read behind the reply's text. */
  readonly hint: string | undefined
  constructor(failure: DataFailure, message: string, options?: ErrorOptions & { readonly hint?: string }) {
    super(message, options)
    this.failure = failure
    this.hint = options?.hint
  }
}

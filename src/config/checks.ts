/**
 * What only the SFTP side can tell of a file, asked for while the configuration is read, so that its faults are reported
 * with file, line and column beside all others. Each answers with what is wrong, in words, or undefined.
 */
export interface Checks {
  /** A private key's text and its passphrase. */
  privateKey(text: string, passphrase: string | undefined): string | undefined
  /** The form of it is right already; whether this Node can check passwords against it. */
  passwordHash(hash: string): string | undefined
  /** The name of a command, in upper case. */
  command(name: string): string | undefined
  /** The text of a known_hosts file, for one server. */
  knownHosts(text: string, host: string, port: number): string | undefined
}

import { chmodSync, chownSync, mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { ground, type TestUser } from './ground.ts'

/** An SFTP server of any make, run by a test on 127.0.0.1 with a folder, host keys and a port of its own. */
export interface SftpServer {
  readonly host: string
  readonly port: number
  /** Logs in with the password. */
  readonly user: Pick<TestUser, 'name' | 'password'>
  /** Lines for a known_hosts file, one per host key. */
  readonly knownHosts: string
  /** The user's files, on disk. */
  readonly home: string
  log(): string
  stop(): Promise<void>
}

export const loopback = '127.0.0.1'

/** What a server of a kind stands on: a folder of its own, `home` in it, and the user whom it serves. */
export interface ServerGround {
  readonly runFolder: string
  readonly folder: string
  /** Owned by the user. */
  readonly home: string
  readonly user: TestUser
}

export async function serverGround(kind: string): Promise<ServerGround> {
  const { runFolder, user } = await ground()
  const folder = mkdtempSync(join(runFolder, `${kind}-`))
  chmodSync(folder, 0o755)
  const home = join(folder, 'home')
  mkdirSync(home)
  chownSync(home, user.uid, user.gid)
  return { runFolder, folder, home, user }
}

/** The line that pins a server's key, from the public key as ssh-keygen writes it. */
export function knownHostsLine(port: number, publicKey: string): string {
  return `[${loopback}]:${port} ${publicKey.trim().split(' ', 2).join(' ')}\n`
}

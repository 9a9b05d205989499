import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import { Dialogue } from './dialogue.ts'
import { emptyFolder, finishedIn } from './fixtures.ts'
import { startTestGateway, type TestGateway } from './gateway-under-test.ts'
import { ground } from './ground.ts'
import { sftpServersOf } from './sftp-processes.ts'
import { type Sshd, type SshdOptions, startSshd } from './sshd.ts'
import { mountTmpfs } from './tmpfs.ts'

/** OpenSSH with its sftp-server as a process of its own, which a test does something to, and a gateway in front of it. */
export interface FaultyPlace {
  readonly sshd: Sshd
  readonly gateway: TestGateway
  /** A client that is logged in, and has stored `old` as `f`. */
  begin(): Promise<Dialogue>
  logIn(): Promise<Dialogue>
  stored(name: string): Buffer
  /** Path of what is being uploaded under a name; undefined when there is none. */
  part(name: string): string | undefined
  /** Waits until so many bytes of an upload have arrived. */
  arrived(name: string, bytes: number): Promise<void>
  /** The folder holds `f`, with these bytes, and nothing that takes space. */
  holdsOnly(content: Buffer): void
  /** An upload of another name over the same login, or a new one, is as good as ever. */
  goesOn(client?: Dialogue): Promise<void>
  /** How sessions that were lost were replaced. */
  renewals(): string[]
}

export const half = randomBytes(4_000_000)
export const whole = Buffer.concat([half, half])
export const old = Buffer.from('what was there before')

export function useFaultyPlace(
  settings: (main: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
  options: SshdOptions = {},
): FaultyPlace {
  let sshd: Sshd
  let gateway: TestGateway
  let unmount: (() => Promise<void>) | undefined
  const clients: Dialogue[] = []
  beforeAll(async () => {
    const { runFolder, user } = await ground()
    const home = mkdtempSync(join(runFolder, 'memory-'))
    // On a disk that others keep busy, fsync could take longer than a test lets the backend take for an answer.
    unmount = await mountTmpfs(home, user, '1g')
    sshd = await startSshd({ subsystem: 'sftp-server', home, ...options })
    const main = { name: 'main', host: sshd.host, port: sshd.port, hostKeys: [sshd.fingerprints.ed25519] }
    gateway = await startTestGateway({ sshd, settings: settings(main) })
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    expect(gateway.log.filter(({ kind }) => kind === 'bug')).toEqual([])
    await vi.waitUntil(() => sftpServersOf(sshd).length === 0, { timeout: 30_000 })
    emptyFolder(sshd.home)
  })
  afterAll(async () => {
    await gateway?.stop()
    await sshd?.stop()
    await unmount?.()
  })
  const place: FaultyPlace = {
    get sshd() {
      return sshd
    },
    get gateway() {
      return gateway
    },
    async logIn() {
      const site = { port: gateway.explicit, tls: 'explicit', certificate: gateway.certificate } as const
      const client = await Dialogue.logIn(site, sshd.user.name, sshd.user.password)
      clients.push(client)
      return client
    },
    async begin() {
      const client = await place.logIn()
      expect((await client.transfer('STOR f', old)).code).toBe(226)
      return client
    },
    stored: (name) => readFileSync(join(sshd.home, name)),
    part(name) {
      const part = readdirSync(sshd.home).find((each) => each.startsWith(`.${name}.`))
      return part && join(sshd.home, part)
    },
    arrived: (name, bytes) =>
      vi.waitUntil(() => sizeOf(place.part(name)) >= bytes, { timeout: 30_000, interval: 5 }).then(() => {}),
    holdsOnly(content) {
      expect(finishedIn(sshd.home)).toEqual(['f'])
      expect(place.stored('f').equals(content), 'content of f').toBe(true)
      // At most the empty trace that this login has begun to replace the file.
      for (const name of readdirSync(sshd.home)) if (name !== 'f') expect(sizeOf(join(sshd.home, name)), name).toBe(0)
    },
    async goesOn(client) {
      const next = client ?? (await place.logIn())
      expect((await next.transfer('STOR next', whole)).code).toBe(226)
      expect(place.stored('next').equals(whole), 'content of the next upload').toBe(true)
      await next.dialogue('> DELE next', '< 250')
    },
    renewals: () => gateway.log.flatMap((event) => (event.kind === 'backendRenewed' ? [event.outcome] : [])),
  }
  return place
}

function sizeOf(path: string | undefined): number {
  return (path && statSync(path, { throwIfNoEntry: false })?.size) || 0
}

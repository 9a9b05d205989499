import { existsSync, mkdtempSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon } from '../support/daemon.ts'
import { program, providePackages } from '../support/packages.ts'
import { runOk } from '../support/run.ts'
import type { BenchPlace } from './bench-place.ts'
import { sshSettings } from './clients.ts'

/** sshd's home as a file system of this machine. */
export interface Mount {
  readonly folder: string
  stop(): Promise<void>
}

/** Why sshfs cannot be used here; nothing when it can. */
export async function sshfsMissing(): Promise<string | undefined> {
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse'
  try {
    await providePackages([{ name: 'sshfs', program: 'sshfs' }])
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Below the run's folder, so that the end of the run unmounts it whatever happens. */
export async function mountSshfs(place: BenchPlace): Promise<Mount> {
  const { sshd, ground } = place
  const folder = mkdtempSync(join(ground.runFolder, 'sshfs-'))
  // vsftpd enters as the user, and the mount is root's.
  const options = ['allow_other', ...sshSettings(place)].flatMap((setting) => ['-o', setting])
  const source = `${sshd.user.name}@${sshd.host}:${sshd.home}`
  const args = [source, folder, '-f', '-p', String(sshd.port), '-F', '/dev/null', ...options]
  const daemon = await startDaemon(program('sshfs'), args, ground)
  const isMounted = () => statSync(folder).dev !== statSync(ground.runFolder).dev
  for (const deadline = Date.now() + 15_000; !isMounted(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > deadline || !daemon.running()) throw new Error(`sshfs does not mount:\n${daemon.log()}`)
  }
  return {
    folder,
    async stop() {
      await runOk('umount', ['--lazy', folder])
      await daemon.stop()
    },
  }
}

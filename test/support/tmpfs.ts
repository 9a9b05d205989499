import { mkdirSync } from 'node:fs'
import type { TestUser } from './ground.ts'
import { program } from './packages.ts'
import { runOk } from './run.ts'

/** A disk of its own, small enough to be filled, mounted on a new folder of the user's. `size` as mount(8) has it. */
export async function mountTmpfs(folder: string, { uid, gid }: TestUser, size: string): Promise<() => Promise<void>> {
  mkdirSync(folder, { recursive: true })
  await runOk(program('mount'), ['-t', 'tmpfs', '-o', `size=${size},mode=755,uid=${uid},gid=${gid}`, 'tmpfs', folder])
  return async () => void (await runOk(program('umount'), [folder]))
}

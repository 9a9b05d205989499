import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endLeftovers } from './daemon.ts'
import { installPackages, program, providePackages } from './packages.ts'
import { runOk } from './run.ts'
import { provideUnpacked } from './unpacked.ts'

/** What a run of the tests stands on: a folder of its own, and an unprivileged user of this machine to log in as. */
export interface Ground {
  /** Everything that the run writes is below; gone after the run. Others may enter, so that the user reaches its files. */
  readonly runFolder: string
  readonly user: TestUser
}

export interface TestUser {
  readonly name: string
  readonly password: string
  readonly uid: number
  readonly gid: number
}

declare module 'vitest' {
  interface ProvidedContext {
    ground: Ground
  }
}

const userName = 'ftpsgw'

/** The ground that the global set-up prepared for this run. */
export async function ground(): Promise<Ground> {
  // Not imported above: the benchmark prepares its ground itself and runs without vitest.
  const { inject } = await import('vitest')
  return inject('ground')
}

/** Installs packages, makes the user and the run's folder. Throws one error that says what stands in the way. */
export async function prepareGround(): Promise<Ground> {
  await providePackages()
  if (process.getuid?.() !== 0) {
    throw new Error('The tests need root: they start sshd and vsftpd for an unprivileged user, and fill a small tmpfs.')
  }
  const base = join(tmpdir(), 'ftps-gateway-tests')
  mkdirSync(base, { recursive: true, mode: 0o755 })
  if (statSync(base).uid !== 0) throw new Error(`${base} belongs to somebody else; remove it.`)
  await provideUnpacked(installPackages)
  // sshd refuses to start without its privilege separation folder, which only its init script makes.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const user = await provideUser(base)
  const runFolder = mkdtempSync(join(base, 'run-'))
  chmodSync(runFolder, 0o755)
  return { runFolder, user }
}

/** Ends what is left of the run and removes its folder. The user stays for the next run. */
export async function clearGround({ runFolder }: Ground): Promise<void> {
  endLeftovers(runFolder)
  for (const mount of mountsBelow(runFolder)) await runOk('umount', ['--lazy', mount])
  rmSync(runFolder, { recursive: true, force: true })
}

/**
 * Creates the user once and gives it a random password, which is kept where only root can read it: several runs may
 * use the user at the same time. The password goes through standard input and a shell builtin, never through arguments.
 */
async function provideUser(base: string): Promise<TestUser> {
  const passwordFile = join(base, 'password')
  const script = `set -eu
    exec 9>"$1/lock"
    flock 9
    id "$2" >/dev/null 2>&1 || useradd --system --create-home --home-dir "$1/home" --shell /bin/sh "$2"
    test ! -s "$1/password" || exit 0
    IFS= read -r password
    printf '%s:%s\\n' "$2" "$password" | chpasswd
    umask 077
    printf '%s' "$password" >"$1/password"`
  const input = `${randomBytes(18).toString('hex')}\n`
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`
  await runOk('sh', ['-c', script, 'sh', base, userName], { input, env: { ...process.env, PATH: path } })
  const id = async (flag: string) => Number((await runOk(program('id'), [flag, userName])).toString())
  const [uid, gid] = [await id('-u'), await id('-g')]
  if (uid === 0) throw new Error(`The user ${userName} of this machine is root; the tests want an unprivileged one.`)
  return { name: userName, password: readFileSync(passwordFile, 'latin1'), uid, gid }
}

function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
    .reverse()
}

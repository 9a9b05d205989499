import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runOk } from './run.ts'

/**
 * Debian installs one FTP server at a time, and that one is vsftpd: ProFTPD's packages are unpacked beside the system,
 * and only the libraries that they depend on are installed. A folder is kept for the next run.
 */
const conflicting = ['proftpd-core', 'proftpd-mod-crypto']

const folder = join(tmpdir(), 'ftps-gateway-tests', 'unpacked')

/** The path of a file of such a package, given as its path in the system. Throws when it is not there. */
export function unpackedFile(path: string): string {
  const place = join(folder, path)
  if (!existsSync(place)) throw new Error(`${path} is in none of the packages ${conflicting.join(', ')}.`)
  return place
}

/** Downloads and unpacks what is missing, as root, into a folder that only root may write to. */
export async function provideUnpacked(
  installLibraries: (names: readonly string[]) => Promise<string | undefined>,
): Promise<void> {
  if (existsSync(folder)) return
  const work = mkdtempSync(`${folder}-`)
  try {
    const archives = await download(join(work, 'archives'))
    const libraries = new Set<string>()
    for (const archive of archives) {
      await runOk('dpkg-deb', ['--extract', archive, join(work, 'files')])
      const depends = await runOk('dpkg-deb', ['--field', archive, 'Depends'])
      for (const [name] of depends.toString().matchAll(/\blib[\w.+-]+/g)) libraries.add(name)
    }
    const failure = await installLibraries([...libraries])
    if (failure !== undefined) throw new Error(`The libraries of ${conflicting.join(', ')} are missing: ${failure}`)
    putInPlace(join(work, 'files'))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function download(archives: string): Promise<string[]> {
  mkdirSync(archives, { recursive: true })
  const attempt = () => runOk('apt-get', ['-qq', 'download', ...conflicting], { cwd: archives, timeoutMs: 300_000 })
  await attempt().catch(async () => {
    await runOk('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', 'update'], { timeoutMs: 300_000 })
    await attempt()
  })
  return readdirSync(archives).map((name) => join(archives, name))
}

/** Another run may have been quicker; its folder is as good. */
function putInPlace(files: string): void {
  try {
    renameSync(files, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  }
}

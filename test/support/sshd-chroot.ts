import { chmodSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { ground } from './ground.ts'
import { program } from './packages.ts'
import { type Sshd, startSshd } from './sshd.ts'

/**
 * OpenSSH as hosters run it: every login is locked into a folder and gets SFTP whatever it asks for. sshd wants each
 * folder above it to be root's alone, which a temporary directory's are not: sshd sees it as /mnt, in a mount
 * namespace of its own that ends with it.
 */
export async function startChrootedSshd(): Promise<Sshd> {
  const { runFolder } = await ground()
  const root = mkdtempSync(join(runFolder, 'chroot-'))
  chmodSync(root, 0o755)
  const mounted = 'mount --bind "$0" /mnt && exec "$@"'
  return startSshd({
    home: join(root, 'home'),
    extraConfig: ['ChrootDirectory /mnt', 'ForceCommand internal-sftp -d /home'],
    launcher: [program('unshare'), '--mount', '--propagation', 'private', 'sh', '-c', mounted, root],
  })
}

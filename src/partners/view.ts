import type { FileSystem } from '../backend/backend.ts'
import type { PartnerConfig } from '../config/config.ts'
import { type ByteString, fromText } from '../ftp/bytes.ts'
import { LoginBackends } from './login-backends.ts'
import { type Part, partOf } from './part.ts'
import { type Mount, pathMap } from './path-map.ts'
import { readOnly } from './read-only.ts'

/**
 * What a login sees of its backends. `entered` is the one that it has logged in to, and that its home is on; `open` enters
 * the others, once some file there is asked for.
 */
export function viewOf(
  partner: PartnerConfig | undefined,
  entered: FileSystem,
  open: (backend: string) => Promise<FileSystem>,
): FileSystem {
  const { root = '/', paths, symlinks = 'inside' } = partner ?? {}
  if (partner === undefined || paths === undefined) return partOf(entered, fromText(root), symlinks).files
  const others = new LoginBackends(open)
  const mounts = paths.map(({ ftp, sftp, backend, readOnly: unchanging }): Mount => {
    const make = (files: FileSystem): Part => {
      const part = partOf(files, fromText(sftp), symlinks)
      return unchanging ? { ...part, files: readOnly(part.files) } : part
    }
    const common = { at: fromText(ftp), backend, readOnly: unchanging }
    if (backend === partner.backend) {
      const part = make(entered)
      return { ...common, part: async () => part }
    }
    return { ...common, part: async () => make(await others.get(backend)), lost: () => others.forget(backend) }
  })
  const close = async () => {
    await others.close()
    await entered.close()
  }
  return pathMap(mounts, homeOf(partner, entered, symlinks), close)
}

/** Where the login starts: its home, where that is in the part that is seen as `/`. */
function homeOf(partner: PartnerConfig, entered: FileSystem, symlinks: 'inside' | 'follow'): ByteString {
  const root = partner.paths?.find(({ ftp }) => ftp === '/')
  return root === undefined ? '/' : partOf(entered, fromText(root.sftp), symlinks).files.home
}

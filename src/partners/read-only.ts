import { BackendError, type Entry, type FileSystem } from '../backend/backend.ts'
import { mapped } from '../backend/mapped.ts'

/** The same files, of which nothing can be changed; entries say so. */
export function readOnly(files: FileSystem): FileSystem {
  const refuse = async (): Promise<never> => {
    throw new BackendError('readOnly', 'the partner may change nothing here')
  }
  return {
    ...mapped(files, { inward: (path) => path, entry: (known): Entry => ({ ...known, readOnly: true }) }),
    write: refuse,
    makeDirectory: refuse,
    removeDirectory: refuse,
    removeFile: refuse,
    rename: refuse,
    copy: refuse,
    setModified: refuse,
    setMode: refuse,
    setOwner: refuse,
    makeSymlink: refuse,
    makeLink: refuse,
  }
}

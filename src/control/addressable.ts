import { BackendError, type FailureKind, type FileSystem } from '../backend/backend.ts'
import { mapped } from '../backend/mapped.ts'
import type { ByteString } from '../ftp/bytes.ts'
import type { Translation } from '../ftp/name-translation.ts'
import { join } from '../ftp/pathname.ts'

/**
 * Files of which none is reached by a name that only stands for it. A name that the client's charset has not is shown with
 * `?` in it; where such a form comes back, nobody knows which file is meant, and nothing may be read, overwritten, made or
 * removed by it. Only for names with a `?` in them the directory is looked through.
 */
export function addressable(files: FileSystem, translation: () => Translation | undefined): FileSystem {
  return mapped(files, {
    async inward(path) {
      const current = translation()
      if (current !== undefined && path.includes('?')) await refuseShownForms(files, path, current)
      return path
    },
  })
}

async function refuseShownForms(files: FileSystem, path: ByteString, translation: Translation): Promise<void> {
  let directory: ByteString = '/'
  for (const part of path.split('/').slice(1)) {
    if (part.includes('?') && (await standsForAnother(files, directory, part, translation))) {
      throw new BackendError('notFound', 'the name is the shown form of one that the charset of the client has not')
    }
    directory = join(directory, part)
  }
}

async function standsForAnother(
  files: FileSystem,
  directory: ByteString,
  name: ByteString,
  translation: Translation,
): Promise<boolean> {
  const { bytes: wanted } = translation.toClient(name)
  try {
    for await (const batch of files.list(directory)) {
      for (const entry of batch) {
        if (entry.name === name) continue
        if (translation.toClient(entry.name).bytes === wanted) return true
      }
    }
  } catch (error) {
    // A directory that cannot be listed has shown no names that could come back.
    if (!(error instanceof BackendError) || !unlisted.has(error.kind)) throw error
  }
  return false
}

const unlisted: ReadonlySet<FailureKind> = new Set(['accessDenied', 'notFound', 'notADirectory'])

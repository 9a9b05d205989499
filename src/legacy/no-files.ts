import { BackendError, type FileSystem } from '../backend/backend.ts'
import type { OldSession } from './old-server.ts'

/** The files of a login that is relayed: there are none here, whatever is asked of them the old server answers itself. */
export function noFiles(old: OldSession): FileSystem {
  const nowhere = () => Promise.reject(new BackendError('unsupported', 'the files are on the old server'))
  return {
    home: old.home,
    stat: nowhere,
    lstat: nowhere,
    enter: nowhere,
    readLink: nowhere,
    list: () => ({ [Symbol.asyncIterator]: () => ({ next: nowhere }) }),
    read: nowhere,
    write: nowhere,
    makeDirectory: nowhere,
    removeDirectory: nowhere,
    removeFile: nowhere,
    rename: nowhere,
    copy: nowhere,
    space: nowhere,
    setModified: nowhere,
    setMode: nowhere,
    setOwner: nowhere,
    makeSymlink: nowhere,
    makeLink: nowhere,
    close: async () => old.close(),
  }
}

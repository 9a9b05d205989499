/** The numbers of SFTP version 3 (draft-ietf-secsh-filexfer-02) and of OpenSSH's extensions to it. */

export const version = 3

/**
 * Data bytes of one READ or WRITE at most. OpenSSH takes no more, and one request should not hold up a channel for long.
 */
export const requestBytesMax = 255 * 1024

export const request = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  extended: 200,
} as const

export const answer = {
  version: 2,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extendedReply: 201,
} as const

/** Status codes of version 3, then those of later versions that servers send in version 3 all the same. */
export const status = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  noConnection: 6,
  connectionLost: 7,
  opUnsupported: 8,
  invalidHandle: 9,
  noSuchPath: 10,
  fileAlreadyExists: 11,
  writeProtect: 12,
  noMedia: 13,
  noSpace: 14,
  quotaExceeded: 15,
  lockConflict: 17,
  dirNotEmpty: 18,
  notADirectory: 19,
  invalidFilename: 20,
  fileIsADirectory: 24,
} as const

/** The codes of version 3 as words for people who watch; whatever else a server sends is `other`. */
const statusNames = [
  'ok',
  'eof',
  'no_such_file',
  'permission_denied',
  'failure',
  'bad_message',
  'no_connection',
  'connection_lost',
  'unsupported',
] as const

export function statusName(code: number): (typeof statusNames)[number] | 'other' {
  return statusNames[code] ?? 'other'
}

export const openFlag = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const

export const attrFlag = { size: 1, uidGid: 2, permissions: 4, times: 8, extended: 0x80000000 } as const

/** S_IFMT and the kinds that listings tell apart. */
export const fileKind = { mask: 0o170000, directory: 0o040000, regular: 0o100000, symlink: 0o120000 } as const

export const extension = {
  posixRename: 'posix-rename@openssh.com',
  statvfs: 'statvfs@openssh.com',
  fstatvfs: 'fstatvfs@openssh.com',
  hardlink: 'hardlink@openssh.com',
  fsync: 'fsync@openssh.com',
  lsetstat: 'lsetstat@openssh.com',
  limits: 'limits@openssh.com',
  expandPath: 'expand-path@openssh.com',
  copyData: 'copy-data',
  homeDirectory: 'home-directory',
  usersGroupsById: 'users-groups-by-id@openssh.com',
} as const

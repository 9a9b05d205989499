import type { Stats } from 'node:fs'
import { attrFlag, type Name, u32, u64 } from './wire.ts'

/** The ATTRS field of an entry. */
export function attrsField(stats: Stats): Buffer {
  const { size, owner, mode, times } = attrFlag
  return Buffer.concat([
    u32(size | owner | mode | times),
    u64(stats.size),
    u32(stats.uid),
    u32(stats.gid),
    u32(stats.mode),
    u32(Math.max(0, Math.floor(stats.atimeMs / 1000))),
    u32(Math.max(0, Math.floor(stats.mtimeMs / 1000))),
  ])
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const halfYearMs = (365 / 2) * 24 * 3600 * 1000

/** The line that `ls -l` would show, in the form the SFTP draft (section 7) recommends; names of people are not looked up. */
export function longname(name: Name, stats: Stats): Name {
  const time = stats.mtime
  const two = (n: number) => String(n).padStart(2, '0')
  const recent = Math.abs(Date.now() - time.getTime()) < halfYearMs
  const clock = recent ? `${two(time.getHours())}:${two(time.getMinutes())}` : ` ${time.getFullYear()}`
  const date = `${months[time.getMonth()]} ${String(time.getDate()).padStart(2)} ${clock}`
  const numbers = `${String(stats.nlink).padStart(4)} ${String(stats.uid).padEnd(8)} ${String(stats.gid).padEnd(8)}`
  return `${permissions(stats)} ${numbers} ${String(stats.size).padStart(8)} ${date} ${name}`
}

function permissions(stats: Stats): string {
  const type = stats.isDirectory() ? 'd' : stats.isSymbolicLink() ? 'l' : stats.isFile() ? '-' : '?'
  const bits = [...'rwxrwxrwx'].map((letter, i) => (stats.mode & (0o400 >> i) ? letter : '-'))
  return type + bits.join('')
}

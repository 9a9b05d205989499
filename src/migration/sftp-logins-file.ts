import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { loginsText, readLogins, type SftpLogins } from './sftp-logins.ts'

function fileIn(directory: string): string {
  return join(directory, 'journal', 'sftp-logins.json')
}

/** What was imported; nothing when there was nothing yet. */
export async function readSftpLogins(directory: string): Promise<SftpLogins> {
  const text = await readFile(fileIn(directory), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return readLogins(text)
}

export async function writeSftpLogins(directory: string, logins: SftpLogins): Promise<void> {
  const file = fileIn(directory)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, loginsText(logins), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

import { mkdir, open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readPublicKey } from './public-key.ts'

/** Public keys that partners have handed in, a file of authorized_keys lines each, below the state directory. */
export interface PartnerKey {
  readonly partner: string
  readonly fingerprint: string
}

const folder = 'keys'
const ending = '.authorized_keys'

export function keyFile(directory: string, partner: string): string {
  return join(directory, folder, `${partner}${ending}`)
}

export async function readPartnerKeys(directory: string): Promise<readonly PartnerKey[]> {
  const names = await readdir(join(directory, folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const keys: PartnerKey[] = []
  for (const name of names.filter((one) => one.endsWith(ending)).sort()) {
    const partner = name.slice(0, -ending.length)
    for (const line of (await readFile(join(directory, folder, name), 'utf8')).split('\n')) {
      const key = readPublicKey(line)
      if (key.kind === 'key') keys.push({ partner, fingerprint: key.fingerprint })
    }
  }
  return keys
}

/** Adds a line to a partner's file, which is made when it is missing; returns its path. */
export async function addPartnerKey(directory: string, partner: string, line: string): Promise<string> {
  await mkdir(join(directory, folder), { recursive: true, mode: 0o700 })
  const file = keyFile(directory, partner)
  const handle = await open(file, 'a', 0o600)
  try {
    await handle.writeFile(`${line}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return file
}

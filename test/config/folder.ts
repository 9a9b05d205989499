import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/config/problems.ts'

/** A well-formed fingerprint of no key in particular. */
export const pin = 'SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8'

/** A well-formed password hash of no password in particular. */
export const hash = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'B'.repeat(43)}`

/** The smallest configuration, for more to be added below. */
export const smallest = `version: 1\nbackends:\n  - { name: main, host: sftp.internal, hostKeys: ["${pin}"] }\n`

export type Files = Readonly<Record<string, string>>

/** Runs a task in a folder with these files; the folder is gone afterwards. */
export async function inFolder<T>(files: Files, task: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'config-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      const file = join(folder, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    }
    return await task(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The configuration of a folder's gateway.yaml. */
export function configOf(files: Files, env: NodeJS.ProcessEnv = {}): Promise<Config> {
  return inFolder(files, (folder) => loadConfig(join(folder, 'gateway.yaml'), env))
}

/** The configuration of settings added to the smallest one. */
export function configWith(settings: string, env: NodeJS.ProcessEnv = {}): Promise<Config> {
  return configOf({ 'gateway.yaml': smallest + settings }, env)
}

/** The faults of a folder's gateway.yaml, one line each, without the folder; empty when there are none. */
export function faultsOf(files: Files, env: NodeJS.ProcessEnv = {}): Promise<readonly string[]> {
  return inFolder(files, async (folder) => {
    try {
      await loadConfig(join(folder, 'gateway.yaml'), env)
      return []
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return `${error}`.replaceAll(`${folder}/`, '').split('\n')
    }
  })
}

/** As `faultsOf`, for settings added to the smallest configuration; they start in line 4. */
export function faultsWith(settings: string, env: NodeJS.ProcessEnv = {}): Promise<readonly string[]> {
  return faultsOf({ 'gateway.yaml': smallest + settings }, env)
}

/** As `faultsOf`, for one partner file beside the smallest configuration. */
export function partnerFaults(partner: string, more: Files = {}): Promise<readonly string[]> {
  const globals = `${smallest}partners: partners.d/*.yaml\n`
  return faultsOf({ 'gateway.yaml': globals, 'partners.d/acme.yaml': partner, ...more })
}

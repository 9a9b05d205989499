import { dirname, isAbsolute, join } from 'node:path'
import { backendFault } from './backends.ts'
import type { Checks } from './checks.ts'
import type { ListenerConfig, PartnerAuth, PartnerConfig, PartnerLimits } from './config.ts'
import { dialectChangesOf } from './dialect.ts'
import { changeOf, findFiles, inWords, readText } from './files.ts'
import { limitsOf } from './limits.ts'
import { checkPartnerMigration } from './migration.ts'
import type { MigrationConfig } from './migration-config.ts'
import { type AuthParts, checkAuth, sharedReads } from './partner-auth.ts'
import { Claims, checkMatch } from './partner-match.ts'
import { checkFiles } from './partner-paths.ts'
import type { Problems } from './problems.ts'
import { readTable } from './read.ts'
import { partnerSchema } from './schema.ts'
import { type Source, textAt } from './source.ts'
import type { Values } from './table.ts'
import { parseYaml } from './yaml.ts'

type PartnerValues = Values<typeof partnerSchema>

export interface PartnerParts {
  /** The file with the globals. */
  readonly globals: Source
  /** The pattern of partner files, as written there. */
  readonly pattern: string | undefined
  readonly defaultBackend: string
  readonly defaultLegacy: string | undefined
  readonly listeners: readonly ListenerConfig[]
  /** Of partners that say nothing else. */
  readonly limits: PartnerLimits
  readonly migration: MigrationConfig
  /** Whether there is a state directory. */
  readonly remembers: boolean
  /** From the connection of a client to the end of its login. */
  readonly loginMs: number
  readonly env: NodeJS.ProcessEnv
  readonly problems: Problems
  readonly checks: Checks | undefined
}

/** Reads every partner file; what is wrong between the files is reported as well. */
export async function loadPartners(parts: PartnerParts): Promise<readonly PartnerConfig[]> {
  const { globals, pattern, problems } = parts
  if (pattern === undefined) return []
  let files: readonly string[] = []
  try {
    files = await findFiles(besides(globals, pattern))
  } catch (error) {
    problems.add(globals, ['partners'], inWords(error))
  }
  const { env, checks, remembers } = parts
  const reading = { env, problems, checks, remembers, ...sharedReads(parts.checks) }
  const drafts = await manyAtATime(files, (file) => readDrafts(file, reading))
  const claims = new Claims(problems)
  return drafts.flat().flatMap((draft) => complete(draft, claims, parts) ?? [])
}

/** The pattern from where the gateway runs, kept relative when the configuration file is, for short messages. */
function besides(source: Source, pattern: string): string {
  const folder = dirname(source.file)
  return isAbsolute(pattern) ? pattern : join(folder, pattern)
}

/** What one partner's part of a file says by itself. */
interface Draft {
  readonly source: Source
  readonly values: Values<typeof partnerSchema>
  readonly auth: PartnerAuth | undefined
  /** When its file was changed. */
  readonly changed: Awaited<ReturnType<typeof changeOf>>
}

/** The partners of a file: one, or a list of them. */
async function readDrafts(file: string, parts: AuthParts): Promise<readonly Draft[]> {
  const { problems } = parts
  const whole = await readSource(file, parts.env, problems)
  if (whole === undefined) return []
  const { root } = whole
  const sources = root.type === 'list' ? root.items.map((item, i) => ({ file, root: item, within: [i] })) : [whole]
  const changed = await changeOf(file)
  const drafts = await Promise.all(sources.map((source) => readDraft(source, parts)))
  return drafts.flatMap((draft) => (draft ? { ...draft, changed } : []))
}

async function readDraft(source: Source, parts: AuthParts): Promise<Omit<Draft, 'changed'> | undefined> {
  const values = readTable(partnerSchema, [], { source, problems: parts.problems })
  return values && { source, values, auth: await checkAuth(values.auth, source, parts) }
}

/** What is to be said of a partner among the others. */
function complete(
  { source, values, auth, changed }: Draft,
  claims: Claims,
  parts: PartnerParts,
): PartnerConfig | undefined {
  const { problems, checks } = parts
  const { name } = values
  claims.take('partner', name, source, ['name'])
  if (name === 'default') problems.add(source, ['name'], '"default" means logins that match no partner; choose another')
  const matched = checkMatch(values, source, claims, parts)
  const backends = checkBackends(values, source, parts)
  const migration = checkPartnerMigration(values, { ...parts, source, changed })
  const { legacy } = values
  const fault = legacy === undefined ? undefined : backendFault(legacy, parts.globals, 'ftps')
  if (fault !== undefined) problems.add(source, ['legacy'], fault)
  const files = checkFiles(values, source, { ...parts, backends })
  if (auth === undefined) return undefined
  const dialect = dialectChangesOf(values)
  const limits = limitsOf(values.limits, parts.limits, { source, path: ['limits'], problems, checks })
  const expect = expectOf(values, source, problems)
  return {
    name,
    ...matched,
    auth,
    ...files,
    ...(backends.length > 1 && { backends }),
    ...(legacy !== undefined && { legacy }),
    ...(migration && { migration }),
    dialect,
    limits,
    expect,
  }
}

/** Those of a partner, in the order in which they are tried. */
function checkBackends(
  { backend, backends }: PartnerValues,
  source: Source,
  { globals, defaultBackend, problems }: PartnerParts,
): readonly [string, ...string[]] {
  const named = backends.map((text, i) => ({ text, path: ['backends', i] }))
  if (backend !== undefined && backends.length > 0)
    problems.add(source, ['backends'], 'and backend exclude each other; the first of backends is tried first')
  if (backend !== undefined) named.push({ text: backend, path: ['backend'] })
  for (const { text, path } of named) {
    const fault = text === undefined ? undefined : backendFault(text, globals)
    if (fault !== undefined) problems.add(source, path, fault)
  }
  const [first = defaultBackend, ...others] = new Set(named.flatMap(({ text }) => text ?? []))
  return [first, ...others]
}

function expectOf(
  { expect }: Values<typeof partnerSchema>,
  source: Source,
  problems: Problems,
): PartnerConfig['expect'] {
  const { every, weekdays } = expect.upload
  if (every !== undefined) return { everyMs: every, weekdays }
  if (textAt(source, ['expect', 'upload', 'weekdays']) !== undefined)
    problems.add(source, ['expect', 'upload', 'every'], 'is missing; weekdays alone says nothing')
  return undefined
}

const filesAtATime = 32

/** Runs a task for each file, some at a time; the results are in the order of the files. */
async function manyAtATime<V>(files: readonly string[], task: (file: string) => Promise<V>): Promise<readonly V[]> {
  const results: V[] = []
  const left = files.entries()
  const worker = async () => {
    for (const [i, file] of left) results[i] = await task(file)
  }
  await Promise.all(Array.from({ length: filesAtATime }, worker))
  return results
}

/** A file as a tree; undefined, and a fault, when it cannot be read or is not YAML. */
export async function readSource(
  file: string,
  env: NodeJS.ProcessEnv,
  problems: Problems,
): Promise<Source | undefined> {
  try {
    const source = parseYaml(file, await readText(file), env, problems)
    return source.root.type === 'broken' ? undefined : source
  } catch (error) {
    problems.addAt({ file, line: 1, column: 1, key: 'file', message: inWords(error) })
    return undefined
  }
}

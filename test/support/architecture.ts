import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix, sep } from 'node:path'

/** Contracts, small enough to be seen by layers that must not see the rest of their folder. */
const backend = 'backend/backend.ts'
const mapped = 'backend/mapped.ts'
const observer = 'observe/observer.ts'
const oldServer = 'legacy/old-server.ts'
const migrationEvents = 'observe/migration-events.ts'
const migrationConfig = 'config/migration-config.ts'
const everything = '**'

/** What the composition root puts together. */
const parts = [
  'ftp',
  'backend',
  'observe',
  'tls',
  'data',
  'legacy',
  'commands',
  'control',
  'partners',
  'migration',
  'admin',
  'config',
]

/**
 * Which parts of src a part may import, besides itself. A part is a folder or a single file; of two that fit, the
 * longer name counts. Types count as much as values.
 */
const layers: Readonly<Record<string, readonly string[]>> = {
  ftp: [],
  [backend]: ['ftp'],
  [mapped]: ['ftp', backend],
  [observer]: ['ftp', migrationEvents],
  [migrationEvents]: [],
  tls: [],
  data: ['ftp', 'tls', backend, observer],
  legacy: ['ftp', 'tls', 'data', backend, observer],
  commands: ['ftp', backend, 'data/data-error.ts'],
  control: ['ftp', 'commands', 'data', 'legacy', 'tls', backend, mapped, observer],
  partners: ['ftp', 'legacy', backend, mapped, observer, 'config/config.ts', migrationConfig, 'migration'],
  migration: ['ftp', backend, observer, oldServer, 'config/config.ts', migrationConfig],
  'backend/sftp': ['ftp', backend, observer],
  observe: ['ftp', observer, migrationEvents],
  admin: ['ftp'],
  config: ['ftp'],
  demo: [],
  composition: parts,
  'gateway.ts': ['composition', ...parts],
  cli: [everything],
  'main.ts': ['cli'],
}

/** The parts that may import a package; a package without an entry is used nowhere. */
const packageOwners: Readonly<Record<string, readonly string[]>> = {
  ssh2: ['backend/sftp', 'demo'],
  pino: ['observe'],
  'prom-client': ['observe'],
  convict: ['config'],
  yaml: ['config'],
  'node-forge': ['tls'],
  'iconv-lite': ['ftp'],
}

const linesMax = 300

/** What is wrong with the tree of sources in a folder, one sentence each; empty when every rule holds. */
export function architectureProblems(directory: string): string[] {
  const texts = new Map(
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => file.split(sep).join('/'))
      .sort()
      .map((file) => [file, readFileSync(join(directory, file), 'utf8')]),
  )
  const imports = new Map([...texts].map(([file, text]) => [file, importsOf(text)]))
  return [
    ...[...imports].flatMap(([file, targets]) => layerProblems(file, targets)),
    ...cycles(imports),
    ...[...texts].flatMap(([file, text]) => lengthProblem(file, text) ?? []),
  ]
}

function layerProblems(file: string, targets: readonly string[]): string[] {
  const from = partOf(file)
  // A file that no rule covers would be free to do anything.
  if (from === undefined) return [`${file} belongs to no layer`]
  return targets.flatMap((target) => importProblem(file, from, target) ?? [])
}

function importProblem(file: string, from: string, target: string): string | undefined {
  if (!target.startsWith('.')) return packageProblem(file, from, target)
  const to = resolve(file, target)
  const allowed = [from, ...(layers[from] ?? [])]
  if (allowed.some((part) => part === everything || isIn(to, part))) return undefined
  return `${file} imports ${to}, which ${from} may not`
}

function packageProblem(file: string, from: string, target: string): string | undefined {
  if (target.startsWith('node:')) return undefined
  if (builtinModules.includes(target)) return `${file} imports ${target} without node:`
  const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/')
  return packageOwners[name]?.includes(from) ? undefined : `${file} imports the package ${name}, which ${from} may not`
}

function lengthProblem(file: string, text: string): string | undefined {
  const lines = text.trimEnd().split('\n').length
  return lines > linesMax ? `${file} has ${lines} lines, more than ${linesMax}` : undefined
}

function cycles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, trail: readonly string[]) => {
    const start = trail.indexOf(file)
    if (start >= 0) found.push(`cycle: ${[...trail.slice(start), file].join(' -> ')}`)
    if (start >= 0 || done.has(file)) return
    for (const target of imports.get(file) ?? []) {
      if (target.startsWith('.')) visit(resolve(file, target), [...trail, file])
    }
    done.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  return found
}

/** Static imports, re-exports, side-effect imports, `import()` and types by `import('…')`. */
function importsOf(text: string): string[] {
  const code = text.replace(/^\s*(\/\*[\s\S]*?\*\/|\/\/.*$)/gm, '')
  const statements = code.matchAll(/^(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"\n]+)['"]/gm)
  const calls = code.matchAll(/\bimport\(\s*['"]([^'"\n]+)['"]/g)
  return [...statements, ...calls].map((match) => match[1] ?? '')
}

function resolve(file: string, target: string): string {
  return posix.join(posix.dirname(file), target)
}

function partOf(file: string): string | undefined {
  const parts = Object.keys(layers).filter((part) => isIn(file, part))
  return parts.sort((a, b) => b.length - a.length)[0]
}

function isIn(file: string, part: string): boolean {
  return file === part || file.startsWith(`${part}/`)
}

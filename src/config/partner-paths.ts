import { backendFault } from './backends.ts'
import type { PartnerConfig, PathConfig } from './config.ts'
import type { Problems } from './problems.ts'
import { reportDuplicates } from './references.ts'
import type { partnerSchema } from './schema.ts'
import type { Path, Source } from './source.ts'
import type { Values } from './table.ts'

type PartnerValues = Values<typeof partnerSchema>
type Files = Pick<PartnerConfig, 'backend' | 'root' | 'paths' | 'symlinks'>

export interface PathParts {
  /** The file with the globals. */
  readonly globals: Source
  /** The partner's backend, or those that are tried in turn. */
  readonly backends: readonly [string, ...string[]]
  readonly problems: Problems
}

/** Where a partner's files are: below one folder of one backend, or in several. */
export function checkFiles(values: PartnerValues, source: Source, parts: PathParts): Files {
  const { backends, problems } = parts
  const [usual] = backends
  const { root, symlinks } = values
  const common = { ...(symlinks && { symlinks }) }
  if (values.paths.length === 0) return { backend: usual, root, ...common }
  if (root !== undefined) {
    problems.add(source, ['root'], 'and paths exclude each other; root: X is short for paths: [{ ftp: /, sftp: X }]')
  }
  const paths: PathConfig[] = []
  for (const [i, path] of values.paths.entries()) {
    if (path === undefined) continue
    const backend = checkedBackend(path.backend, ['paths', i, 'backend'], source, parts) ?? usual
    paths.push({ ftp: path.ftp, sftp: path.sftp, backend, readOnly: path.readOnly })
  }
  const places = values.paths.flatMap((path, i) => (path ? [{ path: ['paths', i, 'ftp'], text: path.ftp }] : []))
  reportDuplicates(source, places, problems)
  const first = paths.find(({ ftp }) => ftp === '/') ?? paths[0]
  if (backends.length > 1) checkTried(values, first?.ftp, source, parts)
  return { backend: first?.backend ?? usual, root: first?.sftp, paths, ...common }
}

function checkedBackend(
  name: string | undefined,
  path: Path,
  source: Source,
  { globals, problems }: PathParts,
): string | undefined {
  const fault = name === undefined ? undefined : backendFault(name, globals)
  if (fault !== undefined) problems.add(source, path, fault)
  return name
}

/**
 * Where several backends are tried in turn, a login is on one of them, and a path that says nothing is there too. One that
 * named the first would be somewhere else than it says when that one is away.
 */
function checkTried(
  { paths }: PartnerValues,
  start: string | undefined,
  source: Source,
  { backends, problems }: PathParts,
): void {
  for (const [i, path] of paths.entries()) {
    if (path?.backend === undefined) continue
    const place = ['paths', i, 'backend']
    if (backends.includes(path.backend)) {
      const tried = `"${path.backend}" is one of backends, which are tried in turn`
      problems.add(source, place, `${tried}; leave it out for the one that the login is on`)
    } else if (path.ftp === start) {
      problems.add(source, place, 'a login starts in this path, so it has to be on backends; leave it out')
    }
  }
}

/** A configuration file as a tree of texts that know where they were written; kinds.ts gives the texts their meaning. */
export interface Source {
  readonly file: string
  readonly root: Node
  /** Where in the file the root is, for a part of a file; the paths of messages begin with it. */
  readonly within?: Path
}

/** A path as it is called in the whole file. */
export function keyIn({ within = [] }: Source, path: Path): string {
  return spell([...within, ...path])
}

/** Line and column, both from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Keys and list indexes from the root of a file to a value. */
export type Path = readonly (string | number)[]

export type Node =
  /** `text` has its environment variables filled in, `written` does not: messages show what was written. */
  | { readonly type: 'scalar'; readonly text: string; readonly written: string; readonly at: Position }
  | { readonly type: 'list'; readonly items: readonly Node[]; readonly at: Position }
  | { readonly type: 'map'; readonly entries: ReadonlyMap<string, MapEntry>; readonly at: Position }
  /** A key without a value, which means the same as no key. */
  | { readonly type: 'empty'; readonly at: Position }
  /** A value whose fault has been reported already. */
  | { readonly type: 'broken'; readonly at: Position }

export interface MapEntry {
  readonly key: Position
  readonly node: Node
}

/** The node at a path; undefined when a key on the way is missing or has no value. */
export function nodeAt(source: Source, path: Path): Node | undefined {
  let node: Node | undefined = source.root
  for (const step of path) node = node && child(node, step)
  return node?.type === 'empty' ? undefined : node
}

/** The text at a path, whatever else may be wrong with it; undefined when there is none. */
export function textAt(source: Source, path: Path): string | undefined {
  const node = nodeAt(source, path)
  return node?.type === 'scalar' ? node.text : undefined
}

function child(node: Node, step: string | number): Node | undefined {
  if (node.type === 'map') return node.entries.get(String(step))?.node
  return node.type === 'list' && typeof step === 'number' ? node.items[step] : undefined
}

/** Where a value stands, or the innermost value around it that does exist. */
export function positionOf(source: Source, path: Path): Position {
  let node = source.root
  for (const step of path) {
    const next = child(node, step)
    if (next === undefined) break
    node = next
  }
  return { line: node.at.line, column: node.at.column }
}

/** A path as people write it: `listeners[1].name`. Odd keys are quoted, so a message is always one plain line. */
export function spell(path: Path): string {
  if (path.length === 0) return 'yaml'
  return path
    .map((step, i) => {
      if (typeof step === 'number') return `[${step}]`
      const word = /^[\w-]+$/.test(step) ? step : JSON.stringify(step)
      return i === 0 ? word : `.${word}`
    })
    .join('')
}

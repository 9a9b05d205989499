import type { ParsedNode, Scalar, YAMLParseError, YAMLWarning } from 'yaml'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { expand } from './expand.ts'
import type { Problems } from './problems.ts'
import { type MapEntry, type Node, type Path, type Position, type Source, spell } from './source.ts'

/**
 * Parses one YAML 1.2 file. Scalars stay texts: `off`, `no` and `0123` mean what the key that holds them wants.
 * Faults go to `problems`; a file that is not YAML at all becomes one broken node.
 */
export function parseYaml(file: string, text: string, env: NodeJS.ProcessEnv, problems: Problems): Source {
  const lines = new LineCounter()
  // Pretty errors would quote lines of the file, passphrases included. Duplicate keys are found below, with their names.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const faults = [...document.errors, ...document.warnings]
  for (const fault of faults) problems.addAt({ file, ...at(fault.pos[0]), key: 'yaml', message: inWords(fault) })
  if (faults.length > 0) return { file, root: { type: 'broken', at: at(0) } }

  const report = (position: Position, path: Path, message: string): void => {
    problems.addAt({ file, ...position, key: spell(path), message })
  }
  /** Nodes with an anchor stand before their aliases and are converted once; one that is not done yet is a loop. */
  const converted = new Map<ParsedNode, Node | undefined>()

  function convert(node: ParsedNode | null | undefined, path: Path, fallback: Position): Node {
    if (node === null || node === undefined) return { type: 'empty', at: fallback }
    const position = at(node.range[0])
    if (isAlias(node)) {
      const target = node.resolve(document) as ParsedNode | undefined
      if (target === undefined) return broken(path, position, noAnchor)
      return converted.get(target) ?? broken(path, position, 'contains itself')
    }
    if (!('anchor' in node) || node.anchor === undefined) return convertContent(node, path, position)
    converted.set(node, undefined)
    const result = convertContent(node, path, position)
    converted.set(node, result)
    return result
  }

  function broken(path: Path, position: Position, message: string): Node {
    report(position, path, message)
    return { type: 'broken', at: position }
  }

  function convertContent(node: ParsedNode, path: Path, position: Position): Node {
    if (isScalar(node)) return convertScalar(node, path, position)
    if (isSeq(node)) {
      const items = node.items.map((item, i) => convert(item, [...path, i], position))
      return { type: 'list', items, at: position }
    }
    const entries = new Map<string, MapEntry>()
    for (const pair of isMap(node) ? node.items : []) {
      const place = at(pair.key.range[0])
      if (!isScalar(pair.key)) {
        report(place, path, 'keys must be words')
        continue
      }
      const key = textOf(pair.key) ?? ''
      const inner = [...path, key]
      if (entries.has(key)) report(place, inner, 'is written twice')
      else entries.set(key, { key: place, node: convert(pair.value, inner, place) })
    }
    return { type: 'map', entries, at: position }
  }

  function convertScalar(scalar: Scalar, path: Path, position: Position): Node {
    const written = textOf(scalar)
    if (written === undefined) return { type: 'empty', at: position }
    const expanded = expand(written, env)
    if (expanded.fault === undefined) return { type: 'scalar', text: expanded.text, written, at: position }
    return broken(path, position, expanded.fault)
  }

  return { file, root: convert(document.contents, [], at(0)) }
}

const noAnchor = 'no anchor has the name of this alias; text that starts with * needs quotes'

/** In place of messages of the parser that repeat a piece of the file: it may be of a secret that lacks its quotes. */
const ownWords = new Map<string, string>([
  ['BAD_ALIAS', noAnchor],
  ['TAG_RESOLVE_FAILED', 'tags are not supported; text that starts with ! needs quotes'],
  ['BAD_DQ_ESCAPE', 'unknown escape sequence; a backslash between double quotes must be doubled'],
  ['UNEXPECTED_TOKEN', 'unexpected text; a value with special characters needs quotes'],
])

function inWords({ code, message }: YAMLParseError | YAMLWarning): string {
  return ownWords.get(code) ?? message
}

function textOf({ value, source }: Scalar): string | undefined {
  if (typeof value === 'string') return value
  return value === null ? undefined : (source ?? String(value))
}

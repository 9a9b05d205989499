import convict from 'convict'
import { isKey, label } from './kinds.ts'
import type { Problems } from './problems.ts'
import { keyIn, type Node, nodeAt, type Path, type Source, spell } from './source.ts'
import { suggest } from './suggest.ts'
import {
  type AnyMap,
  type AnyTable,
  type AnyValue,
  type Entries,
  type Entry,
  environmentName,
  type Values,
} from './table.ts'

export interface Reading {
  readonly source: Source
  readonly problems: Problems
  /** The environment that overrides scalar settings; without it nothing does. */
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Reads a table with everything in it, and notes every fault. A faulty value is read as its default, so that the rest
 * can still be checked; undefined when a value without a default is missing or faulty.
 *
 * convict brings files, environment and defaults together. It sees texts only, and its formats report to `problems`
 * themselves: convict's own messages have no place in the file and quote the values, secrets included.
 */
export function readTable<E extends Entries>(entries: E, path: Path, reading: Reading): Values<E> | undefined {
  if (!isMap(path, reading, '')) return undefined
  const texts = textsOf(entries, path, reading)
  const read = new Map<string, unknown>()
  if (reading.env === undefined) readPlain(entries, texts, path, reading, read)
  else {
    const schema = schemaOf(entries, path, reading, read) as convict.Schema<object>
    const settings = convict(schema, { env: overrides(reading.env), args: [] })
    settings.load(texts).validate({ allowed: 'strict' })
  }
  // The one place where the types of the table are taken on trust: `read` was filled from the same entries.
  return assemble(entries, path, reading, read) as Values<E> | undefined
}

/**
 * Empty variables count as unset: compose files and units pass them on like that. Kubernetes describes a service
 * "ftps-gateway-admin" in FTPS_GATEWAY_ADMIN_PORT=tcp://10.0.0.1:9464, which is not meant for us. For its sake unknown
 * variables are no fault either.
 */
function overrides(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const set = Object.entries(env).filter(([, value]) => value !== undefined && value !== '')
  return Object.fromEntries(set.filter(([, value]) => !/^(tcp|udp|sctp):\/\//.test(value ?? '')))
}

type Texts = { [key: string]: string | Texts }

/** The known scalars of a map as texts; unknown keys and wrong shapes are reported and left out. */
function textsOf(entries: Entries, path: Path, reading: Reading): Texts {
  const { source, problems } = reading
  const texts: Texts = {}
  const node = nodeAt(source, path)
  if (node?.type !== 'map') return texts
  for (const [key, { key: at, node: inner }] of node.entries) {
    const entry = Object.hasOwn(entries, key) ? entries[key] : undefined
    const here = [...path, key]
    const message = keyFault(key, entry, entries)
    if (message !== undefined) problems.addAt({ file: source.file, ...at, key: keyIn(source, here), message })
    else if (entry?.shape === 'table' && !isOff(entry, inner) && isMap(here, reading, entry.off ? ', or off' : '')) {
      const inside = textsOf(entry.entries, here, reading)
      // convict does not know tables that have nothing but lists.
      if (Object.keys(inside).length > 0) texts[key] = inside
    } else if (entry?.shape === 'value' && inner.type === 'scalar') texts[key] = inner.text
    else if (entry?.shape === 'value' && (inner.type === 'list' || inner.type === 'map')) {
      problems.add(source, here, `must be ${entry.kind.expects}, not ${shown(inner)}`)
    }
  }
  return texts
}

/** Whether a table can be read from this place, where a missing one has its defaults; notes the fault when not. */
function isMap(path: Path, { source, problems }: Reading, orElse: string): boolean {
  const node = nodeAt(source, path)
  if (node === undefined || node.type === 'map') return true
  if (node.type !== 'broken')
    problems.add(source, path, `must be a map of keys and values${orElse}, not ${shown(node)}`)
  return false
}

function keyFault(key: string, entry: Entry | undefined, entries: Entries): string | undefined {
  if (entry === undefined) {
    const known = Object.keys(entries).filter((name) => entries[name]?.shape !== 'later')
    return `is not a known key${suggest(key, known)}`
  }
  return entry.shape === 'later' ? 'is not in this version yet' : undefined
}

function isOff(entry: AnyTable, node: Node | undefined): boolean {
  return entry.off && node?.type === 'scalar' && node.text === 'off'
}

/** A map, list or text in words; what came from the environment is shown as it was written. */
function shown(node: Node): string {
  return node.type === 'scalar' ? JSON.stringify(node.written) : `a ${node.type}`
}

/** Without an environment there is nothing to bring together, and partner files are read by the thousand. */
function readPlain(entries: Entries, texts: Texts, path: Path, reading: Reading, read: Map<string, unknown>): void {
  for (const [key, entry] of Object.entries(entries)) {
    const here = [...path, key]
    const text = texts[key]
    if (entry.shape === 'table') readPlain(entry.entries, typeof text === 'object' ? text : {}, here, reading, read)
    else if (entry.shape === 'value') {
      const written = typeof text === 'string' ? text : (entry.fallback ?? null)
      read.set(spell(here), readValue(entry, written, here, reading))
    }
  }
}

type ConvictSchema = { [key: string]: convict.SchemaObj<string> | ConvictSchema }

/** The convict schema of a table's scalars. Defaults are texts too, so that convict converts nothing on its own. */
function schemaOf(entries: Entries, path: Path, reading: Reading, read: Map<string, unknown>): ConvictSchema {
  const schema: ConvictSchema = {}
  for (const [key, entry] of Object.entries(entries)) {
    const here = [...path, key]
    if (entry.shape === 'table') {
      const inner = schemaOf(entry.entries, here, reading, read)
      if (Object.keys(inner).length > 0) schema[key] = inner
    } else if (entry.shape === 'value') {
      schema[key] = {
        default: entry.fallback ?? null,
        format: (text: string | null) => read.set(spell(here), readValue(entry, text, here, reading)),
        ...(reading.env === undefined ? {} : { env: environmentName(here.map(String)) }),
        sensitive: true,
      }
    }
  }
  return schema
}

/** The value of a text; its default when the text is faulty; undefined when there is neither. */
function readValue(entry: AnyValue, text: string | null, path: Path, reading: Reading): unknown {
  const { kind } = entry
  const value = text === null ? undefined : kind.read(text)
  if (value !== undefined) return value
  if (text !== null) reportValue(entry, text, path, reading)
  else if (entry.required && nodeAt(reading.source, path) === undefined) {
    reading.problems.add(reading.source, path, `is missing; it must be ${kind.expects}`)
  }
  return entry.fallback === undefined ? undefined : kind.read(entry.fallback)
}

function reportValue({ kind, secret }: AnyValue, text: string, path: Path, reading: Reading): void {
  const { source, problems, env } = reading
  const variable = environmentName(path.map(String))
  const override = env === undefined ? undefined : overrides(env)[variable]
  const node = nodeAt(source, path)
  const written = override ?? (node?.type === 'scalar' ? node.written : text)
  // Whoever puts a key where its path belongs would find it in every log.
  const hidden = secret || isKey(written)
  const not = hidden ? '' : `, not ${JSON.stringify(written)}`
  const message = kind.later?.includes(text)
    ? `"${text}" is not in this version yet; it must be ${kind.expects}`
    : `must be ${kind.expects}${not}${hidden ? '' : suggest(text, kind.words ?? [])}`
  if (override === undefined) problems.add(source, path, message)
  else problems.addAt({ file: 'environment', line: 1, column: 1, key: variable, message })
}

/** Puts the read scalars and the lists together; undefined when something required is not there. */
function assemble(entries: Entries, path: Path, reading: Reading, read: ReadonlyMap<string, unknown>): unknown {
  const result: { [key: string]: unknown } = {}
  let complete = true
  for (const [key, entry] of Object.entries(entries)) {
    const here = [...path, key]
    if (entry.shape === 'later') continue
    if (entry.shape === 'map') {
      result[key] = readNamedLists(entry, here, reading)
      continue
    }
    if (entry.shape === 'list') {
      result[key] = readList(entry.item, here, reading)
      continue
    }
    const off = entry.shape === 'table' && isOff(entry, nodeAt(reading.source, here))
    const value =
      entry.shape === 'value' ? read.get(spell(here)) : off ? 'off' : assemble(entry.entries, here, reading, read)
    if (value === undefined && (entry.shape === 'table' || entry.required)) complete = false
    result[key] = value
  }
  return complete ? result : undefined
}

function readNamedLists({ list }: AnyMap, path: Path, reading: Reading): ReadonlyMap<string, unknown> {
  const node = isMap(path, reading, '') ? nodeAt(reading.source, path) : undefined
  const names = node?.type === 'map' ? [...node.entries.keys()] : []
  return new Map(
    names.map((name) => {
      const here = [...path, name]
      if (label.read(name) === undefined) reading.problems.add(reading.source, here, `the key must be ${label.expects}`)
      return [name, readList(list.item, here, reading)]
    }),
  )
}

function readList(item: AnyValue | AnyTable, path: Path, reading: Reading): readonly unknown[] {
  const { source, problems } = reading
  const node = nodeAt(source, path)
  if (node?.type === 'scalar' || node?.type === 'map') {
    problems.add(source, path, `must be a list, such as [a, b], not ${shown(node)}`)
  }
  if (node?.type !== 'list') return []
  // The environment overrides no items: there would be no telling which item a name means.
  const inner: Reading = { source, problems }
  return node.items.map((child, i) => {
    const here = [...path, i]
    if (item.shape === 'table') return readTable(item.entries, here, inner)
    if (child.type === 'scalar') return readValue(item, child.text, here, inner)
    if (child.type !== 'broken') problems.add(source, here, `must be ${item.kind.expects}, not ${shown(child)}`)
    return undefined
  })
}

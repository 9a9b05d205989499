import { dirname, isAbsolute, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Document, isMap, isNode, isScalar, parseDocument } from 'yaml'
import { findFiles } from './files.ts'
import { readSource } from './partners.ts'
import { Problems } from './problems.ts'
import { type Source, textAt } from './source.ts'

/** The file of a partner; undefined when none of those that the configuration names is its. Throws ConfigError. */
export async function partnerFile(
  configFile: string,
  partner: string,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const problems = new Problems()
  const globals = await readSource(configFile, env, problems)
  problems.throwIfAny()
  const pattern = globals && textAt(globals, ['partners'])
  if (pattern === undefined) return undefined
  for (const file of await findFiles(isAbsolute(pattern) ? pattern : join(dirname(configFile), pattern))) {
    const source = await readSource(file, env, problems)
    if (source && textAt(source, ['name']) === partner) return file
    if (source !== undefined) checkList(source, partner, problems)
  }
  return undefined
}

/** Which of a list's lines are a partner's is not looked for. Throws ConfigError. */
function checkList(source: Source, partner: string, problems: Problems): void {
  const items = source.root.type === 'list' ? source.root.items : []
  for (const i of items.keys()) {
    if (textAt(source, [i, 'name']) !== partner) continue
    problems.add(
      source,
      [i],
      `partner ${partner} is one of a list; give it a file of its own, in which it can be changed`,
    )
    problems.throwIfAny()
  }
}

/** What a key of a partner file is set to; null takes it back. */
export type Setting = string | null | Readonly<Record<string, string>>

/** A partner file with a key set. */
export interface Changed {
  readonly text: string
  /** The lines of the key, before and after; empty when nothing has changed. Other lines may have secrets in them. */
  readonly difference: readonly string[]
}

/**
 * Sets one key of a partner file. Everything else stays as it was written, comments and all; only a file in which that
 * cannot be done is written anew as a whole. Throws Error for a file that is no map.
 */
export function withKey(text: string, key: string, value: Setting): Changed {
  const document = parseDocument(text)
  if (document.errors.length > 0 || !isMap(document.contents)) throw new Error('it is not a map of keys and values')
  const before: unknown = document.get(key, true)
  const block = document.contents.flow !== true
  const edited = inPlace(text, document, key, value)
  document.set(key, document.createNode(value, { flow: true }))
  if (isDeepStrictEqual(parseDocument(edited).toJS(), document.toJS())) {
    return { text: edited, difference: block ? changedLines(text, edited) : changedKey(key, before, value) }
  }
  return { text: document.toString({ lineWidth: 0 }), difference: changedKey(key, before, value) }
}

function inPlace(text: string, document: Document, key: string, value: Setting): string {
  const written = flow(value)
  const pair = isMap(document.contents)
    ? document.contents.items.find((item) => isScalar(item.key) && item.key.value === key)
    : undefined
  if (pair === undefined) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${key}: ${written}\n`
  const range = isNode(pair.value) ? pair.value.range : undefined
  if (!range) return text
  const [from, to] = range
  // An empty value begins right behind the colon.
  const gap = text[from - 1] === ':' ? ' ' : ''
  return `${text.slice(0, from)}${gap}${written}${text.slice(to)}`
}

function flow(value: Setting): string {
  if (value === null || typeof value === 'string') return value ?? 'null'
  const entries = Object.entries(value).map(([key, text]) => `${key}: ${JSON.stringify(text)}`)
  return `{ ${entries.join(', ')} }`
}

/** In a block map a line has one key, so that no other is shown. */
function changedLines(before: string, after: string): readonly string[] {
  if (before === after) return []
  const [old, now] = [before.split('\n'), after.split('\n')]
  let first = 0
  while (first < old.length && first < now.length && old[first] === now[first]) first++
  let last = 0
  while (last < Math.min(old.length, now.length) - first && old.at(-1 - last) === now.at(-1 - last)) last++
  const lines = (mark: string, all: readonly string[]) => all.slice(first, all.length - last).map((line) => mark + line)
  return [`@@ line ${first + 1} @@`, ...lines('-', old), ...lines('+', now)]
}

function changedKey(key: string, before: unknown, value: Setting): readonly string[] {
  const old = isNode(before) ? `-${key}: ${before.toString().trim()}` : undefined
  const now = `+${key}: ${flow(value)}`
  return old?.slice(1) === now.slice(1) ? [] : [...(old === undefined ? [] : [old]), now]
}

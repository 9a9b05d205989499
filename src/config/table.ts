import type { Kind } from './kinds.ts'

/** What may stand under one key. A schema is a tree of these; the type of what is read follows from it. */
export type Entry = AnyValue | AnyList | AnyTable | AnyMap | Later

export type Entries = { readonly [key: string]: Entry }

/** One scalar. */
export interface AnyValue {
  readonly shape: 'value'
  readonly kind: Kind<unknown>
  /** What a missing key means, in the notation of the file. */
  readonly fallback: string | undefined
  readonly required: boolean
  /** The value is shown nowhere. */
  readonly secret: boolean
}

export interface AnyList {
  readonly shape: 'list'
  readonly item: AnyValue | AnyTable
}

/** A map with fixed keys; where `off` is true, the word `off` can stand in its place. */
export interface AnyTable {
  readonly shape: 'table'
  readonly entries: Entries
  readonly off: boolean
}

/** A list under each name, which the file chooses. */
export interface AnyMap {
  readonly shape: 'map'
  readonly list: AnyList
}

/** An entry that knows the type of what it reads; `reads` exists for the compiler only. */
type Reads<V> = { readonly reads?: V }
export type Value<V> = AnyValue & Reads<V>
export type List<V> = AnyList & Reads<readonly (V | undefined)[]>
export type Table<V> = AnyTable & Reads<V>
export type NamedLists<V> = AnyMap & Reads<ReadonlyMap<string, readonly (V | undefined)[]>>

/** A key that the design foresees and this version does not have: the message says so, instead of "unknown". */
export interface Later {
  readonly shape: 'later'
}

/** What a table becomes. A list has `undefined` where an item was faulty, so that indexes stay those of the file. */
export type Values<E extends Entries> = {
  readonly [K in keyof E as E[K] extends Later ? never : K]: E[K] extends { readonly reads?: infer V } ? V : never
}

export const later: Later = { shape: 'later' }

export function required<V>(kind: Kind<V>): Value<V> {
  return { shape: 'value', kind, fallback: undefined, required: true, secret: false }
}

export function optional<V>(kind: Kind<V>): Value<V | undefined> {
  return { shape: 'value', kind, fallback: undefined, required: false, secret: false }
}

/** An optional value that no message, log or printed configuration may show. */
export function secret<V>(kind: Kind<V>): Value<V | undefined> {
  return { ...optional(kind), secret: true }
}

/** A value with a default, written as in a file. */
export function preset<V>(kind: Kind<V>, fallback: string): Value<V> {
  return { shape: 'value', kind, fallback, required: false, secret: false }
}

/** The same keys without their defaults, for a place where a missing key means what was said elsewhere. */
export function withoutPresets<E extends { readonly [key: string]: AnyValue }>(
  entries: E,
): { readonly [K in keyof E]: E[K] extends Value<infer V> ? Value<V | undefined> : never } {
  const bare = Object.entries(entries).map(([key, { kind }]) => [key, optional(kind)])
  // The one place where the mapped type is taken on trust: each key keeps its kind.
  return Object.fromEntries(bare)
}

export function table<E extends Entries>(entries: E): Table<Values<E>> {
  return { shape: 'table', entries, off: false }
}

export function tableOrOff<E extends Entries>(entries: E): Table<Values<E> | 'off'> {
  return { shape: 'table', entries, off: true }
}

export function listOf<V>(kind: Kind<V>): List<V> {
  return { shape: 'list', item: required(kind) }
}

export function listOfTables<E extends Entries>(entries: E): List<Values<E>> {
  return { shape: 'list', item: table(entries) }
}

export function namedListsOfTables<E extends Entries>(entries: E): NamedLists<Values<E>> {
  return { shape: 'map', list: listOfTables(entries) }
}

/** The environment variable that overrides a global setting: `limits.loginAttempts` is FTPS_GATEWAY_LIMITS_LOGIN_ATTEMPTS. */
export function environmentName(path: readonly string[]): string {
  const words = path.map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase())
  return `FTPS_GATEWAY_${words.join('_')}`
}

/** Every key that may be written, as a path; what stands in a list is under its list's own path. */
export function keysOf(entries: Entries, path: readonly string[] = []): readonly (readonly string[])[] {
  return Object.entries(entries).flatMap(([key, entry]) => {
    const inner = [...path, key]
    if (entry.shape === 'later') return []
    if (entry.shape === 'table') return keysOf(entry.entries, inner)
    if (entry.shape === 'list' && entry.item.shape === 'table') return keysOf(entry.item.entries, inner)
    return [inner]
  })
}

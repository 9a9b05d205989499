import { isDeepStrictEqual } from 'node:util'
import type { Config, ListenerConfig } from '../config/config.ts'
import { Secret } from '../ftp/secret.ts'
import { type LoadedTls, showSame } from './certificates.ts'
import { fixedSettings } from './warnings.ts'

/** A configuration with what is read of files beside its own. */
export interface InForce {
  readonly config: Config
  readonly tls: LoadedTls
}

interface Named {
  readonly name: string
}

/** Names of one list, and details of one kind, that are said; of the rest only how many there are. */
const saidMax = 5
const nameCharsMax = 64
const keysMax = 20

/** What is different in the second one, in words: names and paths of settings, never their values but ports, addresses and levels. */
export function changesBetween(before: InForce, after: InForce): readonly string[] {
  const [old, now] = [before.config, after.config]
  return [
    ...namesChanged('partners', old.partners, now.partners),
    ...namesChanged('backends', [...old.backends, ...old.oldServers], [...now.backends, ...now.oldServers]),
    ...listenersChanged(old.listeners, now.listeners),
    ...certificatesChanged(before, after),
    ...(old.logging.level === now.logging.level ? [] : [`log level ${now.logging.level}`]),
    ...settingsChanged(old, now),
  ]
}

function namesChanged(what: string, before: readonly Named[], after: readonly Named[]): string[] {
  const { added, removed, changed } = compared(before, after)
  const names = [...added, ...removed, ...changed]
  if (names.length === 0) return []
  const count = (sign: string, some: readonly string[]) => (some.length === 0 ? [] : [`${sign}${some.length}`])
  const counts = [...count('+', added), ...count('-', removed), ...count('~', changed)]
  return [`${what} ${counts.join(' ')} (${some(names.map(shortened), saidMax)})`]
}

function listenersChanged(before: readonly ListenerConfig[], after: readonly ListenerConfig[]): string[] {
  const { added, removed, changed } = compared(before, after)
  const [old, now] = [byName(before), byName(after)]
  const details = [
    ...added.map((name) => `listener ${shortened(name)} added${placeOf(now.get(name))}`),
    ...removed.map((name) => `listener ${shortened(name)} removed`),
    ...changed.map((name) => `listener ${shortened(name)} ${listenerChange(old.get(name), now.get(name))}`),
  ]
  return bounded(details, saidMax)
}

function placeOf(listener: ListenerConfig | undefined): string {
  return listener ? ` (${listener.tls}, ${listener.address} port ${listener.port})` : ''
}

function listenerChange(before: ListenerConfig | undefined, after: ListenerConfig | undefined): string {
  if (!before || !after) return ''
  const moved = [
    ...(before.port === after.port ? [] : [`${before.port} → ${after.port}`]),
    ...(before.address === after.address ? [] : [`${before.address} → ${after.address}`]),
  ]
  const others = keysChanged(before, after).filter((key) => key !== 'port' && key !== 'address')
  return [...moved, ...others].join(', ')
}

function certificatesChanged(before: InForce, after: InForce): string[] {
  if (!isDeepStrictEqual(before.config.tls.certificates, after.config.tls.certificates)) return ['other certificates']
  return showSame(before.tls, after.tls) ? [] : ['certificates renewed']
}

/** What has words of its own above, and what stays as it was at the start. */
const saidElsewhere = [
  'partners',
  'backends',
  'oldServers',
  'listeners',
  'logging.level',
  'logging.format',
  'tls.certificates',
]

function settingsChanged(before: Config, after: Config): string[] {
  const not = [...saidElsewhere, ...fixedSettings]
  const said = keysChanged(before, after).filter(
    (key) => !not.some((each) => key === each || key.startsWith(`${each}.`)),
  )
  return said.length === 0 ? [] : [some(said, keysMax)]
}

/** Paths of what differs, as they stand in the file. */
function keysChanged(before: object, after: object): string[] {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  const keys = [...new Set([...old.keys(), ...now.keys()])]
  const paths = keys.flatMap((key) => {
    const [a, b]: unknown[] = [old.get(key), now.get(key)]
    if (same(a, b)) return []
    if (!isTable(a) || !isTable(b)) return [asWritten(key)]
    // What partners can say as well stands in one place here, and at the top of the file.
    return keysChanged(a, b).map((rest) => (key === 'dialect' ? rest : `${asWritten(key)}.${rest}`))
  })
  return [...new Set(paths)]
}

function asWritten(key: string): string {
  return key.replace(/Ms$/, '')
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Secret)
}

function compared(before: readonly Named[], after: readonly Named[]) {
  const [old, now] = [byName(before), byName(after)]
  return {
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    changed: [...now.keys()].filter((name) => old.has(name) && !same(old.get(name), now.get(name))),
  }
}

function byName<T extends Named>(all: readonly T[]): ReadonlyMap<string, T> {
  return new Map(all.map((each) => [each.name, each]))
}

/** As isDeepStrictEqual, which cannot see what is in a Secret. */
function same(a: unknown, b: unknown): boolean {
  if (a instanceof Secret && b instanceof Secret) return a.reveal() === b.reveal()
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [old, now] = [new Map(Object.entries(a)), new Map(Object.entries(b))]
  if (old.size !== now.size) return false
  return [...old].every(([key, value]: [string, unknown]) => now.has(key) && same(value, now.get(key)))
}

function some(names: readonly string[], max: number): string {
  return bounded(names, max).join(', ')
}

function bounded(texts: readonly string[], max: number): string[] {
  return texts.length <= max ? [...texts] : [...texts.slice(0, max), `… ${texts.length - max} more`]
}

function shortened(name: string): string {
  return name.length <= nameCharsMax ? name : `${name.slice(0, nameCharsMax)}…`
}

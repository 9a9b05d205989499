import type { Kind } from './kinds.ts'
import { gatewaySchema, partnerSchema } from './schema.ts'
import type { AnyValue, Entries, Entry } from './table.ts'

type JsonSchema = { readonly [key: string]: unknown }

/** Any value may come from the environment. */
const fromEnvironment = { type: 'string', pattern: '\\$\\{[A-Za-z_]' }
const scalar = { type: ['string', 'number', 'boolean'] }

/** JSON Schemas of the two kinds of file, for editors and for whoever writes them by program. */
export const jsonSchemas = {
  gateway: fileSchema('ftps-gateway: the globals', gatewaySchema, ['version', 'backends']),
  partner: fileSchema('ftps-gateway: one partner', partnerSchema, []),
} as const

/**
 * What a schema can say of a file: keys, shapes and forms. What belongs together (a backend and its host keys, ports of two
 * listeners) only `ftps-gateway check` knows.
 */
function fileSchema(title: string, entries: Entries, needed: readonly string[]): JsonSchema {
  const { required = [], ...table } = tableSchema(entries)
  const names = [...new Set([...needed, ...(required as string[])])]
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title,
    ...table,
    ...(names.length > 0 && { required: names }),
  }
}

function tableSchema(entries: Entries): JsonSchema {
  const known = Object.entries(entries).filter(([, entry]) => entry.shape !== 'later')
  const required = known.filter(([, entry]) => entry.shape === 'value' && entry.required).map(([key]) => key)
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(known.map(([key, entry]) => [key, entrySchema(entry)])),
    ...(required.length > 0 && { required }),
  }
}

function entrySchema(entry: Entry): JsonSchema {
  switch (entry.shape) {
    case 'value':
      return valueSchema(entry)
    case 'list':
      return { type: 'array', items: entrySchema(entry.item) }
    case 'map':
      return { type: 'object', additionalProperties: entrySchema(entry.list) }
    case 'table':
      return entry.off ? { anyOf: [{ const: 'off' }, tableSchema(entry.entries)] } : tableSchema(entry.entries)
    case 'later':
      return { not: {} }
  }
}

function valueSchema({ kind, fallback }: AnyValue): JsonSchema {
  const preset = fallback === undefined ? {} : { default: native(kind, fallback) }
  return { description: kind.expects, ...preset, anyOf: [kind.json ?? scalar, fromEnvironment] }
}

/** A default as YAML would have it. */
function native({ json }: Kind<unknown>, text: string): unknown {
  const type = json && 'type' in json ? json.type : undefined
  if (type === 'integer') return Number(text)
  return type === 'boolean' ? text === 'true' : text
}

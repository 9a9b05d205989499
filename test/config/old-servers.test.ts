import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { gatewaySchema, partnerSchema } from '../../src/config/schema.ts'
import { keysOf } from '../../src/config/table.ts'

const document = readFileSync(new URL('../../deploy/old-servers.md', import.meta.url), 'utf8')

/** The rows of all tables: heading of the section, setting of the old server, what it is here. */
const rows = document.split(/^## /m).flatMap((section) => {
  const lines = section.split('\n').filter((line) => /^\| /.test(line) && !/^\| -/.test(line))
  const cells = lines.map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  return cells.flatMap(([, setting = '', here = '']) => {
    return here === 'here' ? [] : [{ server: section.split('\n')[0] ?? '', setting, here }]
  })
})

/** Code with a dot, or of a partner file, is a key; values, commands of FTP and the backend's settings are not. */
function keysIn(text: string): string[] {
  const spans = [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span)
  return spans.filter((span) => /^(acme\.yaml: [\w.]+|[a-z][A-Za-z]*(\.[A-Za-z]+)+|partners)$/.test(span))
}

/** A list may be named as a whole. */
const lists = keysOf(gatewaySchema).flatMap((path) => (path.length > 2 ? [path.slice(0, -1)] : []))
const known = new Set([
  ...[...keysOf(gatewaySchema), ...lists].map((path) => path.join('.')),
  ...keysOf(partnerSchema).map((path) => `acme.yaml: ${path.join('.')}`),
])

test('deploy/old-servers.md names only settings that there are', () => {
  const named = [...new Set(rows.flatMap(({ here }) => keysIn(here)))]
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter((key) => !known.has(key))).toEqual([])
})

describe.each(['vsftpd', 'ProFTPD', 'FileZilla Server', 'IIS FTP'])('for %s', (server) => {
  const own = rows.filter((row) => row.server === server)

  test('there are more than thirty settings, each once', () => {
    const names = own.flatMap(({ setting }) => setting)
    expect(names.length).toBeGreaterThan(30)
    expect([...new Set(names)]).toEqual(names)
  })

  test('each setting has a key here, or says that there is none, and why', () => {
    const silent = own.filter(({ here }) => keysIn(here).length === 0)
    const verdict = /^(always so|not needed|not offered|backend|the home directory)/
    expect(silent.filter(({ here }) => !verdict.test(here))).toEqual([])
  })
})

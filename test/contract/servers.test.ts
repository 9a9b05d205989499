import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { backendsDocument, contractHeading, differenceKeys, Results } from './backends-document.ts'
import { readOnlyContract, wholeContract } from './file-system.ts'
import { servers } from './servers.ts'
import { sftpCandidate } from './sftp-candidate.ts'
import { runSuite } from './suite.ts'

const results = new Results()

describe.each(servers)('$name', (server) => {
  runSuite({
    name: server.name,
    features: server.readOnly ? readOnlyContract : wholeContract,
    ...(server.differences && { differences: server.differences }),
    witness: results.witness(server.name),
    start: () => sftpCandidate(server, (greeting) => results.greetings.set(server.name, greeting)),
  })

  test(`${server.name}: every difference that is declared was met`, () => {
    const declared = differenceKeys(server.differences ?? {})
    expect(results.differencesMet(server.name).sort()).toEqual(declared.sort())
  })
})

test('deploy/backends.md says what this run found (npm run backends-table writes it)', () => {
  expect(results.failures()).toEqual([])
  const path = join(import.meta.dirname, '../../deploy/backends.md')
  const document = backendsDocument(servers, results)
  if (process.env['BACKENDS_TABLE'] === 'write') writeFileSync(path, document)
  expect(belowHeading(readFileSync(path, 'utf8'))).toBe(belowHeading(document))
})

/** Versions stand above, and need not be those of this machine. */
function belowHeading(document: string): string {
  return document.slice(document.indexOf(contractHeading))
}

import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalogue } from './catalogue.ts'
import { coveringTests, document } from './document.ts'

const file = 'deploy/faults.md'

test('every fault that a test names is in the catalogue, and at least fifty are covered', () => {
  const named = new Set(coveringTests().map(({ number }) => number))
  expect([...named].filter((number) => !(number in catalogue))).toEqual([])
  expect(named.size).toBeGreaterThanOrEqual(50)
})

test('deploy/faults.md is what the tests say', () => {
  const made = document(coveringTests())
  if (process.env['FAULTS_TABLE'] === 'write') writeFileSync(file, made)
  expect(readFileSync(file, 'utf8')).toBe(made)
})

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Rule, rules, rulesFile } from '../support/monitoring-files.ts'
import { hastened } from '../support/prometheus.ts'

const text = readFileSync(rulesFile, 'utf8')

/** Without what the tests make faster. */
function expressionsOf(all: readonly Rule[]): readonly string[] {
  return all.map(({ expr }) => expr.replace(/\[\d+[smh]\]/g, '[…]'))
}

test('The rules of the tests ask for what the real ones ask for, and only look back and wait less', () => {
  const fast = rules(hastened(text))
  expect(expressionsOf(fast)).toEqual(expressionsOf(rules(text)))
  for (const [i, rule] of fast.entries()) {
    expect(rule.for, rule.alert).toBe(rules(text)[i]?.for && '1s')
    expect(rule.expr).not.toMatch(/\[\d+[mh]\]/)
  }
})

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { defineInstruments } from '../../src/observe/instruments.ts'
import { alertNames, deploy } from '../support/monitoring-files.ts'

const file = join(deploy, 'monitoring.md')
const [begin, end] = ['<!-- metrics -->\n', '<!-- /metrics -->']

/** A table of every metric, as it stands in the document. */
async function table(): Promise<string> {
  const registry = new Registry()
  defineInstruments(registry)
  const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]))
  // prom-client does not tell of labels in its types.
  const metrics = registry.getMetricsAsArray() as unknown as { name: string; help: string; labelNames: string[] }[]
  const cells = metrics.map(({ name, help, labelNames }) => {
    const labels = labelNames.map((label) => `\`${label}\``).join(', ')
    return [`\`${name.replace('ftps_gateway_', '')}\``, types.get(name) ?? '', labels, help]
  })
  const rows = [['metric', 'type', 'labels', 'meaning'], ...cells]
  const widths = [0, 1, 2, 3].map((i) => Math.max(...rows.map((row) => (row[i] ?? '').length)))
  const lines = rows.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`)
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return `\n${[lines[0], rule, ...lines.slice(1)].join('\n')}\n\n`
}

test('deploy/monitoring.md has every metric, with its type, labels and meaning; METRICS_TABLE=write writes the table', async () => {
  const text = readFileSync(file, 'utf8')
  const from = text.indexOf(begin) + begin.length
  const before = text.slice(0, from)
  const after = text.slice(text.indexOf(end))
  const wanted = before + (await table()) + after
  if (process.env['METRICS_TABLE'] === 'write') writeFileSync(file, wanted)
  expect(text).toBe(wanted)
})

test('deploy/monitoring.md has every alert, with a link to its page', () => {
  const text = readFileSync(file, 'utf8')
  for (const name of alertNames()) expect(text).toContain(`| [${name}](runbooks/${name}.md)`)
})

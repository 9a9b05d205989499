import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { families as commands } from '../../src/commands/index.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import type { TransferEvent } from '../../src/observe/observer.ts'
import { alertNames, dashboards, deploy, expressions, rules, rulesFile } from '../support/monitoring-files.ts'
import { program } from '../support/packages.ts'
import { type Family, parsePrometheusText, type Sample } from '../support/prometheus-text.ts'
import { groupingLabels, type Matcher, selectorsOf } from '../support/promql.ts'
import { run } from '../support/run.ts'

/** Of targets, and of what an expression makes itself. */
const foreignLabels = new Set(['job', 'instance', 'le'])
/** Whose values come from a configuration. */
const openLabels = new Set(['partner', 'backend', 'listener', 'wave', 'version', ...foreignLabels])

const transfer: TransferEvent = {
  kind: 'transfer',
  session: 's',
  partner: 'acme',
  user: '',
  address: '',
  verb: 'STOR',
  path: '',
  direction: 'upload',
  bytes: 1,
  seconds: 1,
  outcome: 'ok',
  code: 226,
}

/** The series of a gateway that has just started, and has met each event that makes a series of its own. */
async function families(): Promise<readonly Family[]> {
  const metrics = createMetrics({ version: '1', commands })
  metrics.declare({ listeners: ['explicit'], partners: ['default', 'acme'], backends: ['main'] })
  const { observer } = metrics
  observer({ kind: 'started', version: '1', sshCrypto: 'native' })
  observer({ kind: 'backendUp', backend: 'main', up: true })
  observer({ kind: 'preflight', backend: 'main', partner: 'acme', outcome: 'works', found: [] })
  const [listener, fingerprint, notAfter] = ['explicit', '', new Date(0)]
  observer({ kind: 'certificate', listener, selfMade: false, fingerprint, notAfter })
  for (const phase of ['legacy', 'gateway', 'notice', 'brownout', 'retired']) {
    observer({ kind: 'phase', partner: `in ${phase}`, phase, wave: 1, cause: 'start' })
  }
  observer(transfer)
  const expected = { everyMs: 1000, overdue: true }
  metrics.watch(() => [{ partner: 'acme', lastLogin: 1, lastTransfer: 1, lastUpload: 1, expected }])
  return parsePrometheusText(await metrics.text())
}

/** As Grafana writes the value of a variable. */
const chosen = '$' + '{datasource}'

const target: Sample = { name: 'up', labels: {}, value: 1 }

/** Samples by the name that expressions use: that of the family, or of a part of a histogram. */
async function known(): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const found = await families()
  const byName = new Map<string, Sample[]>(found.map(({ name }) => [name, []]))
  for (const sample of [...found.flatMap(({ samples }) => samples), target]) {
    byName.set(sample.name, [...(byName.get(sample.name) ?? []), sample])
  }
  return byName
}

/** Why a selector can find nothing; undefined when it can. */
function problemOf(matchers: readonly Matcher[], samples: readonly Sample[]): string | undefined {
  for (const { label, operator, value } of matchers) {
    if (foreignLabels.has(label)) continue
    const values = new Set(samples.map(({ labels }) => labels[label]))
    if (values.has(undefined)) return `no label ${label}`
    if (openLabels.has(label) || value.includes('$')) continue
    const wanted = operator.includes('~') ? value.split('|') : [value]
    const missing = wanted.find((each) => each !== '' && !each.includes('.') && !values.has(each))
    if (missing !== undefined) return `${label} is never ${missing}`
  }
  return undefined
}

describe('The rules of Prometheus', () => {
  test('are sound to promtool, lint included', async () => {
    const result = await run(program('promtool'), ['check', 'rules', '--lint=all', '--lint-fatal', rulesFile])
    expect(result, result.stderr).toMatchObject({ code: 0 })
  })

  test('fire and are silent as their unit tests say', async () => {
    const result = await run(program('promtool'), ['test', 'rules', join(deploy, 'prometheus/rules_test.yml')])
    expect(result, result.stdout.toString()).toMatchObject({ code: 0 })
  })

  test('have unit tests that fire each alert, and have it silent', () => {
    const { tests } = parse(readFileSync(join(deploy, 'prometheus/rules_test.yml'), 'utf8')) as {
      tests: { alert_rule_test?: { alertname: string; exp_alerts: unknown[] }[] }[]
    }
    const cases = tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test)
    const names = (fires: boolean) =>
      cases.filter(({ exp_alerts }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname)
    expect(names(true).sort()).toEqual([...alertNames()].sort())
    expect(names(false).sort()).toEqual([...alertNames()].sort())
  })

  test('say of each alert how bad it is, what it is, and where its page is', () => {
    for (const { alert, labels, annotations } of rules()) {
      if (alert === undefined) continue
      expect(labels?.['severity'], alert).toMatch(/^(warning|critical)$/)
      expect(annotations?.['summary'], alert).toMatch(/\.$/)
      expect(annotations?.['description'], alert).toContain('{{ $labels.')
      expect(annotations?.['runbook_url'], alert).toBe(`https://example.com/ftps-gateway/runbooks/${alert}.md`)
    }
  })

  test('have a page in deploy/runbooks for each alert, and no page for none', () => {
    const pages = readdirSync(join(deploy, 'runbooks')).filter((file) => file !== 'README.md')
    expect(pages.sort()).toEqual(
      alertNames()
        .map((name) => `${name}.md`)
        .sort(),
    )
    const parts = ['What it means', 'First look', 'Likely causes', 'What to do', 'How to silence it']
    for (const page of pages) {
      const text = readFileSync(join(deploy, 'runbooks', page), 'utf8')
      expect(text.split('\n')[0]).toBe(`# ${page.replace('.md', '')}`)
      expect([...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(parts)
    }
  })
})

describe('Every expression', () => {
  test('asks for metrics that exist, with labels and values that they have', async () => {
    const exported = await known()
    const recorded = new Set(rules().flatMap(({ record }) => record ?? []))
    const problems = expressions().flatMap(({ where, text }) =>
      selectorsOf(text).flatMap(({ metric, matchers }) => {
        if (recorded.has(metric)) return []
        const samples = exported.get(metric)
        if (samples === undefined) return [`${where}: no metric ${metric}`]
        const problem = problemOf(matchers, samples)
        return problem === undefined ? [] : [`${where}: ${metric}: ${problem}`]
      }),
    )
    expect(problems).toEqual([])
  })

  test('can be read by Prometheus', async () => {
    // Grafana fills these in before it asks.
    const filled = (text: string) => text.replaceAll('$__rate_interval', '5m').replace(/\$\w+/g, 'x')
    const records = expressions().map(({ text }, i) => ({ record: `expression:${i}`, expr: filled(text) }))
    const folder = mkdtempSync(join(tmpdir(), 'expressions-'))
    const file = join(folder, 'rules.json')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'all', rules: records }] }))
    const result = await run(program('promtool'), ['check', 'rules', file])
    rmSync(folder, { recursive: true })
    expect(result, result.stderr).toMatchObject({ code: 0 })
  })

  test('groups by labels that exist', async () => {
    const samples = [...(await known()).values()].flat()
    const labels = new Set([...samples.flatMap((sample) => Object.keys(sample.labels)), ...foreignLabels])
    const problems = expressions().flatMap(({ where, text }) =>
      groupingLabels(text)
        .filter((label) => label !== '' && !labels.has(label))
        .map((label) => `${where}: ${label}`),
    )
    expect(problems).toEqual([])
  })

  test('of a page or a document names metrics that exist', async () => {
    const exported = [...(await known()).keys()]
    const pages = readdirSync(join(deploy, 'runbooks')).map((page) => join(deploy, 'runbooks', page))
    const texts = [...pages, join(deploy, 'monitoring.md')].filter((file) => existsSync(file))
    expect(texts.length).toBeGreaterThan(10)
    for (const file of texts) {
      const text = readFileSync(file, 'utf8')
      const names = [...text.matchAll(/\b(?:ftps_gateway|nodejs|process)_\w+/g)].map(([name]) => name)
      expect(
        names.filter((name) => !exported.includes(name)),
        file,
      ).toEqual([])
    }
  })
})

describe('The reader of expressions', () => {
  test('finds metrics and their matchers, and neither functions nor labels', () => {
    const text =
      'sum by (a, b) (rate(x_total{c="d",e=~"f|g"}[5m])) / on (h) group_left count(y:z:w) > bool 0.5 and up == 1e3'
    expect(selectorsOf(text)).toEqual([
      {
        metric: 'x_total',
        matchers: [
          { label: 'c', operator: '=', value: 'd' },
          { label: 'e', operator: '=~', value: 'f|g' },
        ],
      },
      { metric: 'y:z:w', matchers: [] },
      { metric: 'up', matchers: [] },
    ])
    expect(groupingLabels(text)).toEqual(['a', 'b', 'h'])
  })

  test('reports a metric, a label and a value that nobody has', async () => {
    const samples = (await known()).get('ftps_gateway_logins_total') ?? []
    const problem = (text: string) => problemOf(selectorsOf(text)[0]?.matchers ?? [], samples)
    expect(problem('ftps_gateway_logins_total{outcome=~"ok|backend",partner="x",instance="y"}')).toBeUndefined()
    expect(problem('ftps_gateway_logins_total{outcome="nonsense"}')).toBe('outcome is never nonsense')
    expect(problem('ftps_gateway_logins_total{user="x"}')).toBe('no label user')
    expect((await known()).has('ftps_gateway_login_total')).toBe(false)
  })
})

describe('The dashboards', () => {
  test('are three, each with a data source to choose, and no panel with one of its own', () => {
    expect(
      dashboards()
        .map(({ file }) => file)
        .sort(),
    ).toEqual(['migration.json', 'overview.json', 'partner.json'])
    for (const { file, content } of dashboards()) {
      expect(content.uid, file).toMatch(/^ftps-gateway-/)
      expect(content.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' })
      for (const { title, type, datasource, targets = [] } of content.panels) {
        if (type === 'row' || type === 'text') continue
        expect(targets.length, title).toBeGreaterThan(0)
        for (const each of [datasource, ...targets.map((one) => one.datasource)]) {
          if (each !== undefined) expect(each.uid, title).toBe(chosen)
        }
      }
    }
  })
})

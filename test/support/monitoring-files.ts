import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** An alert or a recorded series of deploy/prometheus/rules.yml. */
export interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** An expression, and where it stands. */
export interface Expression {
  readonly where: string
  readonly text: string
}

export const deploy = join(import.meta.dirname, '../../deploy')
export const rulesFile = join(deploy, 'prometheus/rules.yml')

export function rules(text = readFileSync(rulesFile, 'utf8')): readonly Rule[] {
  const { groups } = parse(text) as { groups: readonly { readonly rules: readonly Rule[] }[] }
  return groups.flatMap((group) => group.rules)
}

export function alertNames(): readonly string[] {
  return rules().flatMap(({ alert }) => alert ?? [])
}

export interface Dashboard {
  readonly file: string
  readonly content: {
    readonly uid: string
    readonly title: string
    readonly panels: readonly Panel[]
    readonly templating: { readonly list: readonly Variable[] }
  }
}
export interface Panel {
  readonly title: string
  readonly type: string
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string; readonly datasource?: { readonly uid: string } }[]
}
export interface Variable {
  readonly name: string
  readonly type: string
  readonly query?: string | { readonly query: string }
}

export function dashboards(): readonly Dashboard[] {
  const folder = join(deploy, 'grafana')
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  return files.map((file) => ({ file, content: JSON.parse(readFileSync(join(folder, file), 'utf8')) }))
}

/** Every expression that somebody has written for Prometheus. */
export function expressions(): readonly Expression[] {
  const ofRules = rules().map(({ alert, record, expr }) => ({ where: `rules.yml ${alert ?? record}`, text: expr }))
  const ofPanels = dashboards().flatMap(({ file, content }) =>
    content.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ where: `${file} "${title}"`, text: expr })),
    ),
  )
  const ofVariables = dashboards().flatMap(({ file, content }) =>
    content.templating.list.flatMap(({ name, query }) => {
      const asked = typeof query === 'string' ? query : query?.query
      const metric = /^label_values\(([^,]+),/.exec(asked ?? '')?.[1]
      return metric === undefined ? [] : [{ where: `${file} $${name}`, text: metric }]
    }),
  )
  return [...ofRules, ...ofPanels, ...ofVariables]
}

/** One metric in an expression of PromQL, and the labels that its selector asks for. */
export interface Selector {
  readonly metric: string
  readonly matchers: readonly Matcher[]
}
export interface Matcher {
  readonly label: string
  readonly operator: string
  readonly value: string
}

const operators = ['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan', 'group_left', 'group_right']
/** With the grouping taken out, the name of `sum by (x) (…)` stands before a bracket as a function does; else it does not. */
const keywords = new Set([...operators, 'sum', 'min', 'max', 'avg', 'count', 'topk'])
const groupings = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g
const braces = /\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\}/
const matcher = /([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g

/**
 * What an expression asks for: every name in it that is neither a function, nor a keyword, nor a label. Prometheus itself
 * takes a name that nobody exports for an empty answer, so somebody else has to look.
 */
export function selectorsOf(expression: string): readonly Selector[] {
  const text = expression.replace(groupings, ' ').replace(/\[[^\]]*\]/g, ' ')
  const name = new RegExp(`(?<![\\w:.$"])([a-zA-Z_:][\\w:]*)\\s*(?:${braces.source}|(\\()|)`, 'g')
  return [...text.matchAll(name)].flatMap(([, metric = '', inside, call]) => {
    if (call !== undefined || keywords.has(metric.toLowerCase())) return []
    const matchers = [...(inside ?? '').matchAll(matcher)].map(([, label = '', operator = '', value = '']) => {
      return { label, operator, value }
    })
    return [{ metric, matchers }]
  })
}

/** The labels that an expression groups by. */
export function groupingLabels(expression: string): readonly string[] {
  return [...expression.matchAll(groupings)].flatMap(([, labels = '']) => labels.split(',').map((l) => l.trim()))
}

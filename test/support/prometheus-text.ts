/** One series of a scrape. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}
export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

const nameForm = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelForm = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/gy

/** Reads Prometheus' text format 0.0.4; throws at anything that the format does not allow, with the line. */
export function parsePrometheusText(text: string): readonly Family[] {
  if (!text.endsWith('\n')) throw new Error('The last line has no end')
  const families = new Map<string, Family & { samples: Sample[] }>()
  let help: { name: string; text: string } | undefined
  let current: (Family & { samples: Sample[] }) | undefined
  for (const line of text.split('\n').filter((l) => l !== '')) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line)
    if (comment) {
      const [, kind, name = '', rest = ''] = comment
      if (kind === 'HELP') help = { name, text: rest }
      else {
        if (families.has(name) || help?.name !== name) throw new Error(`Family twice, or without HELP: ${line}`)
        if (!/^(counter|gauge|histogram|summary|untyped)$/.test(rest)) throw new Error(`No such type: ${line}`)
        current = { name, type: rest, help: help.text, samples: [] }
        families.set(name, current)
      }
      continue
    }
    const sample = parseSample(line)
    const suffixes = current?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    if (!current || !suffixes.some((suffix) => sample.name === current?.name + suffix)) {
      throw new Error(`Not of the family above: ${line}`)
    }
    current.samples.push(sample)
  }
  return [...families.values()]
}

function parseSample(line: string): Sample {
  const [, name = '', braces = '', number = ''] = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  if (!nameForm.test(name)) throw new Error(`No metric name: ${line}`)
  const pairs = [...braces.matchAll(labelForm)]
  if (pairs.map(([pair]) => pair).join('') !== braces) throw new Error(`Labels cannot be read: ${line}`)
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : number === 'Nan' ? Number.NaN : Number(number)
  if (Number.isNaN(value) && number !== 'Nan') throw new Error(`No number: ${line}`)
  return { name, labels: Object.fromEntries(pairs.map(([, key = '', text = '']) => [key, text])), value }
}

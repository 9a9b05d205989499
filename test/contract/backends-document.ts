import { type Behaviour, contract, type Differences } from './candidate.ts'
import type { ServerKind } from './servers.ts'
import type { Witness } from './suite.ts'

interface Row {
  readonly feature: string
  readonly sentence: string
  /** By server; undefined until the sentence held. */
  readonly cells: Map<string, readonly (keyof Behaviour)[] | undefined>
}

/** What a run saw of its servers, for the document. */
export class Results {
  readonly rows: Row[] = []
  readonly greetings = new Map<string, Greeting>()

  /** Hears what a server is asked. */
  witness(server: string): Witness {
    const row = (feature: string, sentence: string) => {
      const found = this.rows.find((one) => one.feature === feature && one.sentence === sentence)
      if (found !== undefined) return found
      const made: Row = { feature, sentence, cells: new Map() }
      this.rows.push(made)
      return made
    }
    return {
      asked: (feature, sentence) => void row(feature, sentence).cells.set(server, undefined),
      held: (feature, sentence, differences) => void row(feature, sentence).cells.set(server, differences),
    }
  }

  /** The declared differences of a server that a sentence met. */
  differencesMet(server: string): (keyof Behaviour)[] {
    return [...new Set(this.rows.flatMap(({ cells }) => cells.get(server) ?? []))]
  }

  /** Sentences that were asked and did not hold. */
  failures(): string[] {
    return this.rows.flatMap(({ sentence, cells }) =>
      [...cells].filter(([, held]) => held === undefined).map(([server]) => `${server}: ${sentence}`),
    )
  }
}

export interface Greeting {
  readonly banner: string
  readonly extensions: readonly string[]
}

/** What stands below is the same on every machine. Above are versions, which are as new as the machine that wrote them. */
export const contractHeading = '## What holds'

/** The document deploy/backends.md. */
export function backendsDocument(servers: readonly ServerKind[], results: Results): string {
  const notes = servers.flatMap(({ name, differences = {} }) =>
    differenceKeys(differences).map((key) => ({ name, key, words: differences[key]?.words ?? '' })),
  )
  const cell = ({ name }: ServerKind, { cells }: Row) => {
    if (!cells.has(name)) return '–'
    const numbers = cells.get(name)?.map((key) => notes.findIndex((note) => note.name === name && note.key === key) + 1)
    return numbers === undefined ? '**no**' : numbers.map((number) => `[${number}]`).join(' ') || 'yes'
  }
  const features = [...new Set(results.rows.map(({ feature }) => feature))]
  const rows = features.flatMap((feature) => [
    [`**${feature}**`, ...servers.map(() => '')],
    ...results.rows
      .filter((row) => row.feature === feature)
      .map((row) => [row.sentence, ...servers.map((server) => cell(server, row))]),
  ])
  return [
    introduction,
    table(['server', 'set up as', 'greets as', 'SFTP extensions'], servers.map(describeServer(results))),
    contractHeading,
    legend,
    table(['', ...servers.map(({ name }) => name)], rows),
    '## Where servers differ',
    `${notes.map(({ name, words }, i) => `${i + 1}. ${name}: ${words}.`).join('\n')}\n`,
  ].join('\n\n')
}

export function differenceKeys(differences: Differences): (keyof Behaviour)[] {
  return (Object.keys(contract) as (keyof Behaviour)[]).filter((key) => differences[key] !== undefined)
}

function describeServer({ greetings }: Results) {
  return ({ name, setUp }: ServerKind): string[] => {
    const { banner = '', extensions = [] } = greetings.get(name) ?? {}
    const names = extensions.map((extension) => extension.replace(/@openssh\.com$/, ''))
    return [name, setUp, `\`${banner}\``, names.join(', ') || 'none']
  }
}

const introduction = `# Backends the gateway is tested with

Written by \`npm run backends-table\`; the tests fail when it is not what they find. Each server is a real process from Debian's
packages, and the same sentences of the storage contract (\`test/contract\`) are checked at each of them.`

const legend = `“yes”: the sentence was found true. A number: the server does it differently, in the way written below, which was found true in
its place. “–”: not asked; a server that may only be read is asked that it refuses changes. \`notFound\` and the like are the kinds
of failure of \`src/backend/backend.ts\`; \`src/control/replies.ts\` says what the client is told.`

/** Columns are padded as Biome formats them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) => `| ${cells.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

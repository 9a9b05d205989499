import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogue } from './catalogue.ts'

export interface Covering {
  readonly number: string
  /** The test's name without the number. */
  readonly name: string
  readonly file: string
}

/** Every test whose name begins with the number of a fault. */
export function coveringTests(): Covering[] {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'))
  return files.sort().flatMap((file) => {
    const text = readFileSync(join('test', file), 'utf8')
    return [...text.matchAll(/(['"`])(F\d\d) ((?:(?!\1)[^\n])+)\1/g)].map(([, , number = '', name = '']) => ({
      number,
      name,
      file: `test/${file}`,
    }))
  })
}

/** `deploy/faults.md`. */
export function document(covering: readonly Covering[]): string {
  const numbers = Object.keys(catalogue)
  const covered = numbers.filter((number) => covering.some((each) => each.number === number))
  const rows = numbers.map((number) => {
    const [side, fault] = catalogue[number] ?? []
    const tests = covering.filter((each) => each.number === number)
    const shown = tests.map(({ name, file }) => `${cell(name)} (\`${file}\`)`).join('<br>')
    return [number, side ?? '', fault ?? '', shown || '–']
  })
  return [
    '# Faults',
    '',
    `What can go wrong between a client and a backend, and the tests that make it happen: ${covered.length} of ${numbers.length}. Each injects the real thing and looks at the reply, at the file under its final name, and at what goes on afterwards.`,
    '',
    'Made by `npm run faults-table` from the names of the tests.',
    '',
    ...aligned([['', 'side', 'fault', 'tests'], ...rows]),
    '',
  ].join('\n')
}

/** As the formatter has tables. */
function aligned([head = [], ...rows]: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)]
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/%\w|\$\w+/g, '…')
}

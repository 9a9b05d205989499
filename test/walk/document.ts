/**
 * A document whose reader types what its blocks say. A block marked `sh` is typed into one shell, from top to bottom; a
 * block marked `text` right behind it is what the reader sees then, and without one the reader sees nothing. In what is
 * seen `…` stands for anything within a line, and on a line of its own for any lines.
 */
export interface Step {
  /** Where the commands begin, for whoever has to put it right. */
  readonly line: number
  readonly commands: string
  /** What the document shows; undefined: nothing. */
  readonly shown: string | undefined
}

interface Block {
  readonly kind: string
  readonly line: number
  readonly text: string
}

export function stepsOf(document: string): readonly Step[] {
  const blocks = blocksOf(document)
  return blocks.flatMap(({ kind, line, text }, i) => {
    const next = blocks[i + 1]
    if (kind === 'text' && blocks[i - 1]?.kind !== 'sh') throw new Error(`line ${line}: shown, but by no command`)
    return kind === 'sh' ? [{ line, commands: text, shown: next?.kind === 'text' ? next.text : undefined }] : []
  })
}

function blocksOf(document: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { kind: string; line: number; lines: string[] } | undefined
  for (const [i, line] of document.split('\n').entries()) {
    const [, kind] = /^```(\w*)$/.exec(line) ?? []
    if (kind === undefined) open?.lines.push(line)
    else if (open === undefined) open = { kind, line: i + 1, lines: [] }
    else {
      const { lines, ...block } = open
      blocks.push({ ...block, text: lines.map((each) => `${each}\n`).join('') })
      open = undefined
    }
  }
  if (open) throw new Error(`line ${open.line}: the block does not end`)
  return blocks
}

/**
 * The document for another machine: names that it sets at a line's beginning (`PORT=2121`) get other values, and what it
 * shows of the old ones as well. A name that it does not set is a mistake.
 */
export function withValues(document: string, values: Readonly<Record<string, string>>): string {
  let result = document
  for (const [name, value] of Object.entries(values)) {
    const [, before] = new RegExp(`^${name}=([\\w.-]+)`, 'm').exec(document) ?? []
    if (before === undefined) throw new Error(`The document does not set ${name}`)
    result = result.replace(new RegExp(`(?<![\\w.])${before.replaceAll('.', '\\.')}(?!\\w)`, 'g'), value)
  }
  return result
}

/** The first line that is not as shown, in words; undefined: all of it is. */
export function difference(shown: string, seen: string): string | undefined {
  const [want, have] = [linesOf(shown), linesOf(seen)]
  const reached = longestMatch(want, have)
  if (reached === undefined) return undefined
  const expected = want[reached.shown] ?? '(nothing more)'
  return `shown: ${expected}\nseen:  ${have[reached.seen] ?? '(nothing more)'}`
}

interface Place {
  readonly shown: number
  readonly seen: number
}

/** How far the lines agree at most; undefined: to the end. A line `…` may be any number of lines. */
function longestMatch(want: readonly string[], have: readonly string[]): Place | undefined {
  let farthest: Place = { shown: 0, seen: 0 }
  const agree = (shown: number, seen: number): boolean => {
    if (shown + seen > farthest.shown + farthest.seen) farthest = { shown, seen }
    const pattern = want[shown]
    if (pattern === undefined) return seen === have.length
    if (pattern.trim() === '…') {
      for (let next = seen; next <= have.length; next++) if (agree(shown + 1, next)) return true
      return false
    }
    const line = have[seen]
    return line !== undefined && isAsShown(pattern, line) && agree(shown + 1, seen + 1)
  }
  return agree(0, 0) ? undefined : farthest
}

function isAsShown(pattern: string, line: string): boolean {
  const parts = pattern.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(line)
}

/** Blanks at the end of a line are nothing that a reader sees. */
function linesOf(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trimEnd())
  while (lines.at(-1) === '') lines.pop()
  return lines
}

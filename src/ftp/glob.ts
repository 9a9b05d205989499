import type { ByteString } from './bytes.ts'

/** Whether the last component of a path holds a wildcard; others are literal (a directory may be called `[old]`). */
export function hasWildcard(path: ByteString): boolean {
  return /[*?[{]/.test(path.slice(path.lastIndexOf('/') + 1))
}

/** A compiled pattern: does it match this name? */
export type Matcher = (name: ByteString) => boolean

const alternativesMax = 64
/** Bytes of all alternatives together. */
const expandedMax = 16_384
/** What one pattern may cost over all names beyond `stepsFree` each; one that is made to be slow matches no more such names once it is spent. */
export interface Budget {
  /** Comparisons. */
  steps: number
}

const stepsMax = 20_000_000
/** For one name: names come in hundreds, and whoever else is served waits for all of them. */
const stepsPerNameMax = 16_384
/** More than a pattern takes that is made to be used. */
const stepsFree = 256

/**
 * Compiles `*`, `?`, `[a-z]`, `[!a-z]`, `\x` and one level of `{a,b}` for one path component. As in a shell, a name
 * with a leading dot is matched only by a pattern with one. Time per name is at most length of name times length of
 * pattern, without recursion, and bounded for any pattern; so is the memory that a compiled one takes.
 */
export function compileGlob(pattern: ByteString, budget: Budget = { steps: stepsMax }): Matcher {
  const alternatives = expandBraces(pattern).map(tokenise)
  let left = 0
  const matches = (tokens: readonly Token[], name: ByteString): boolean => {
    let t = 0
    let n = 0
    /** Where to go on when the tokens after the last `*` do not fit: let the `*` take one more byte. */
    let starToken = -1
    let starName = 0
    while (n < name.length) {
      if (left === 0) return false
      left -= 1
      const token = tokens[t]
      if (token === 'star') {
        starToken = t
        starName = n
        t += 1
      } else if (token?.(name.charCodeAt(n))) {
        t += 1
        n += 1
      } else if (starToken !== -1) {
        starName += 1
        n = starName
        t = starToken + 1
      } else {
        return false
      }
    }
    while (tokens[t] === 'star') t += 1
    return t === tokens.length
  }
  const dotted = alternatives.map(({ source }) => source.startsWith('.'))
  return (name) => {
    const given = Math.min(stepsFree + budget.steps, stepsPerNameMax)
    left = given
    const found = alternatives.some(
      ({ tokens }, i) => (!name.startsWith('.') || dotted[i] === true) && matches(tokens, name),
    )
    budget.steps -= Math.max(0, given - left - stepsFree)
    return found
  }
}

type Token = 'star' | ((byte: number) => boolean)

function tokenise(source: ByteString): { source: ByteString; tokens: readonly Token[] } {
  const tokens: Token[] = []
  const lastClose = source.lastIndexOf(']')
  for (let i = 0; i < source.length; i++) {
    const c = source[i]
    const set = c === '[' && i < lastClose ? byteSet(source, i) : undefined
    if (c === '*') {
      if (tokens.at(-1) !== 'star') tokens.push('star')
    } else if (c === '?') {
      tokens.push(() => true)
    } else if (set !== undefined) {
      tokens.push(set.has)
      i = set.end
    } else {
      if (c === '\\' && i + 1 < source.length) i += 1
      const byte = source.charCodeAt(i)
      tokens.push((other) => other === byte)
    }
  }
  return { source, tokens }
}

/** `[abc]`, `[a-z]`, `[!a-z]` or `[^a-z]` that opens at `start`; undefined when it is not closed and so a literal `[`. */
function byteSet(source: ByteString, start: number): { has: (byte: number) => boolean; end: number } | undefined {
  const negated = source[start + 1] === '!' || source[start + 1] === '^'
  const first = start + (negated ? 2 : 1)
  // A `]` in first place is a member.
  const end = source.indexOf(']', first + 1)
  if (end === -1) return undefined
  const members = new Uint8Array(256)
  for (let i = first; i < end; i++) {
    const from = source.charCodeAt(i)
    const isRange = source[i + 1] === '-' && i + 2 < end
    const to = isRange ? source.charCodeAt(i + 2) : from
    members.fill(1, from, to + 1)
    if (isRange) i += 2
  }
  return { has: (byte) => (members[byte] === 1) !== negated, end }
}

/** `a{b,c}d` becomes `abd` and `acd`; a brace that does not close, or too many alternatives, stay as they are. */
function expandBraces(pattern: ByteString): readonly ByteString[] {
  const choices = pattern.split(/\{([^{}]*)\}/).map((part, i) => (i % 2 === 1 ? part.split(',') : [part]))
  let count = 1
  let bytes = 0
  for (const each of choices) {
    bytes = bytes * each.length + count * each.reduce((sum, { length }) => sum + length, 0)
    count *= each.length
    if (count > alternativesMax || bytes > expandedMax) return [pattern]
  }
  return choices.reduce<readonly ByteString[]>(combine, [''])
}

function combine(heads: readonly ByteString[], tails: readonly ByteString[]): readonly ByteString[] {
  return heads.flatMap((head) => tails.map((tail) => head + tail))
}

import type { Argument } from './arguments.ts'
import type { ByteString } from './bytes.ts'

/** Names in quotes or without blanks; a quote within quotes is doubled. Undefined when there are fewer than two. */
export function names(text: ByteString): readonly ByteString[] | undefined {
  const word = /"((?:[^"]|"")+)"|([^\s"]\S*)/y
  const found: ByteString[] = []
  for (let at = 0; at < text.length; at = word.lastIndex) {
    word.lastIndex = at + (/^ */.exec(text.slice(at))?.[0].length ?? 0)
    if (word.lastIndex === text.length) break
    const [, quoted, bare] = word.exec(text) ?? []
    const name = quoted?.replaceAll('""', '"') ?? bare
    if (name === undefined) return undefined
    found.push(name)
  }
  return found.length < 2 ? undefined : found
}

/** Two names: without quotes the first one ends at the first blank, and the second has all the rest. */
export function twoNames(
  first: string,
  second: string,
): Argument<{ readonly first: ByteString; readonly second: ByteString }> {
  return {
    syntax: `<${first}> <${second}>`,
    parse(text) {
      if (text.startsWith('"')) {
        const [one, two, ...others] = names(text) ?? []
        return one === undefined || two === undefined || others.length > 0 ? undefined : { first: one, second: two }
      }
      const [, one, two] = /^([^ ]+) (.+)$/s.exec(text) ?? []
      return one === undefined || two === undefined ? undefined : { first: one, second: two }
    },
  }
}

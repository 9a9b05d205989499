/** A change of permission bits as `chmod` takes it. */
export type ModeChange = (mode: number, isDirectory: boolean) => number

const who = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 } as const
/** Bits of each letter, for all three classes at once. */
const what: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 }

/**
 * `755`, `0644`, `u+x,go-w`, `a=rX`; undefined when it is neither octal nor symbolic. Copying from a class (`g=u`) is not
 * known; nobody sends it. `needsOld`: whether the file's own bits have to be asked for first.
 */
export function parseMode(text: string): { readonly change: ModeChange; readonly needsOld: boolean } | undefined {
  if (/^[0-7]{1,4}$/.test(text)) {
    const mode = Number.parseInt(text, 8)
    return { change: () => mode, needsOld: false }
  }
  if (text.length > 100) return undefined
  const clauses = text.split(',').map(parseClause)
  if (!clauses.every((clause) => clause !== undefined)) return undefined
  const change: ModeChange = (mode, isDirectory) => clauses.reduce((bits, clause) => clause(bits, isDirectory), mode)
  return { change, needsOld: true }
}

function parseClause(text: string): ModeChange | undefined {
  const [, classes = '', operator, letters = ''] = /^([ugoa]*)([+=-])([rwxXst]*)$/.exec(text) ?? []
  if (operator === undefined) return undefined
  const mask = [...(classes || 'a')].reduce((bits, letter) => bits | who[letter as keyof typeof who], 0)
  return (mode, isDirectory) => {
    // `X`: execution only where it makes sense, for directories and for what somebody may execute already.
    const x = letters.includes('X') && (isDirectory || (mode & 0o111) !== 0) ? 0o111 : 0
    const bits = ([...letters].reduce((sum, letter) => sum | (what[letter] ?? 0), 0) | x) & mask
    if (operator === '+') return mode | bits
    if (operator === '-') return mode & ~bits
    return (mode & ~(mask & 0o777)) | bits
  }
}

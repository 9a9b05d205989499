/** ` (did you mean "level"?)` when one of the words is near to what was written, else an empty string. */
export function suggest(written: string, words: Iterable<string>): string {
  const wanted = written.toLowerCase()
  let best: { readonly word: string; readonly distance: number } | undefined
  for (const word of words) {
    const distance = nearness(wanted, word.toLowerCase())
    if (distance <= tolerance(wanted) && distance < (best?.distance ?? Number.POSITIVE_INFINITY))
      best = { word, distance }
  }
  return best === undefined ? '' : ` (did you mean "${best.word}"?)`
}

/** Two slips in a word of ordinary length (two letters swapped are two), one in a short word, none in a letter. */
function tolerance(word: string): number {
  return Math.min(2, word.length >> 1)
}

function nearness(a: string, b: string): number {
  const contained = a.length >= 3 && b.length >= 3 && (a.includes(b) || b.includes(a))
  return Math.min(contained ? 1 : Number.POSITIVE_INFINITY, editDistance(a.slice(0, 64), b))
}

/** Levenshtein distance: letters to insert, drop or replace. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}

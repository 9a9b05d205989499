/** Jobs one after the other, in the order in which they are asked for; one that fails does not keep the next from its turn. */
export function oneAfterAnother(): <T>(job: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (job) => {
    const turn = last.then(job)
    last = turn.catch(() => {})
    return turn
  }
}

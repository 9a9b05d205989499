/** Argument grammars. `parse` returns undefined when the text does not fit; the dispatcher answers 501 with `syntax`. */
export interface Argument<A> {
  readonly syntax: string
  parse(text: string): A | undefined
}

interface Range {
  readonly first: number
  readonly last: number
}

/** The share of instance `index` of `count` gateways behind one address: neighbouring ports, shares as equal as can be. */
export function sliceOf({ first, last }: Range, { index, count }: { readonly index: number; readonly count: number }) {
  const at = (i: number) => first + Math.floor(((last - first + 1) * i) / count)
  return first === 0 ? { first, last } : { first: at(index), last: at(index + 1) - 1 }
}

/** How fast bytes may pass. */
export interface Pace {
  /** Bytes that may pass at once without a gap that a client would notice. */
  readonly piece: number
  /** Resolves when so many bytes may pass; undefined when they may at once. Rejects when the signal is aborted. */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined
}

/** The same bytes in pieces, each when its time has come; `onWait` hears when a wait begins and ends. */
export async function* paced(
  source: AsyncIterable<Buffer>,
  pace: Pace,
  signal: AbortSignal,
  onWait: (waiting: boolean) => void = () => {},
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; start += pace.piece) {
      const piece = chunk.subarray(start, start + pace.piece)
      const turn = pace.take(piece.length, signal)
      if (turn !== undefined) {
        onWait(true)
        await turn
        onWait(false)
      }
      yield piece
    }
  }
}

type Transform = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>

/** The bytes wait before they are transformed. */
export function slowed(
  transform: Transform | undefined,
  pace: Pace,
  signal: AbortSignal,
  onWait: (waiting: boolean) => void,
): Transform {
  return (source) => {
    const slow = paced(source, pace, signal, onWait)
    return transform ? transform(slow) : slow
  }
}

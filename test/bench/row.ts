import type { BenchPlace } from './bench-place.ts'
import type { FtpServer } from './servers.ts'

/** What the command line asks for; rows derive their own sizes from it. */
export interface BenchOptions {
  /** MiB of the large file. */
  readonly size: number
  readonly runs: number
  /** Number of small files. */
  readonly files: number
  /** Number of names in the large directory. */
  readonly entries: number
}

/** One run of a contender, made ready outside the measured time. */
export interface Attempt {
  /** The measured part: from the start of the client's process to its end, login included. */
  go(): Promise<unknown>
  /** Throws unless everything arrived as it was sent. */
  check(): Promise<void>
}

/** A way to do a row's work. */
export interface Contender {
  readonly name: string
  /** `amount` is the row's, for instance the MiB to move. */
  prepare(place: BenchPlace, amount: number): Promise<Attempt>
  /** The gateway that works for it, whose CPU time and memory are measured. */
  readonly gateway?: (place: BenchPlace) => Promise<FtpServer>
  /** Why it cannot run on this machine; nothing when it can. */
  readonly missing?: (place: BenchPlace) => Promise<string | undefined>
}

/** What the project promises of one contender. */
export interface Target {
  readonly contender: string
  /**
   * speed: how many times as fast as `against`; time: how many times as long; value: the figure itself; cpu: seconds of
   * the gateway per GiB; growth: MiB that the gateway's memory grew by at its peak.
   */
  readonly measure: 'speed' | 'time' | 'value' | 'cpu' | 'growth'
  /** Default: the row's first contender. */
  readonly against?: string
  readonly atLeast?: number
  readonly moreThan?: number
  readonly atMost?: number
}

/** Contenders that do the same work in turns; the first one is the yardstick. A new comparison is a new row. */
export interface Row {
  readonly name: string
  readonly title: string
  readonly unit: 'MiB/s' | 'files/s' | 'ms'
  /** How much work one run is: MiB, or files. */
  amount(options: BenchOptions): number
  /** Default: as many as asked for, after one that does not count. */
  readonly runs?: (asked: number) => number
  readonly warmUp?: false
  readonly contenders: readonly [Contender, ...Contender[]]
  readonly targets: readonly Target[]
}

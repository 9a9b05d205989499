/** What was recorded of the logins of partners; the journal knows it. */
export interface RecordedLogins {
  /** When a partner has logged in, from one instant up to another, in milliseconds since 1970. */
  instants(partner: string, from: number, to: number): readonly number[]
  /** How soon its clients usually come again after a login that failed, in milliseconds; undefined: nobody knows. */
  retryAfter(partner: string): number | undefined
}

export const nothingRecorded: RecordedLogins = { instants: () => [], retryAfter: () => undefined }

import type { Config } from '../config/config.ts'
import { zoneOf } from '../ftp/time-zone.ts'
import { overdue } from '../migration/expectation.ts'
import type { Journal } from '../migration/journal.ts'
import type { PartnerTimes } from '../observe/partner-series.ts'

/** When partners were last heard of, for the metrics. One that was never heard of is waited for since the journal began. */
export function partnerTimes(
  { partners, migration }: Pick<Config, 'partners'> & { readonly migration: Pick<Config['migration'], 'timeZone'> },
  journal: Pick<Journal, 'newestOf' | 'since'>,
  now: number,
): readonly PartnerTimes[] {
  const zone = zoneOf(migration.timeZone)
  return partners.map(({ name, expect }) => {
    const { lastLogin, lastUpload, lastDownload } = journal.newestOf(name)
    const transfers = [lastUpload, lastDownload].filter((time) => time !== undefined)
    return {
      partner: name,
      lastLogin,
      lastTransfer: transfers.length === 0 ? undefined : Math.max(...transfers),
      lastUpload,
      expected: expect && {
        everyMs: expect.everyMs,
        overdue: overdue(expect, lastUpload ?? journal.since, now, zone),
      },
    }
  })
}

import type { ByteBudget } from './byte-budget.ts'
import type { Lanes } from './lanes.ts'
import type { Server } from './server.ts'
import type { SftpClient } from './sftp-client.ts'

/** What every transfer of a login has in common. */
export interface TransferParts {
  readonly client: SftpClient
  readonly server: Server
  readonly lanes: Lanes
  readonly inFlightMax: number
  readonly budget: ByteBudget
  /** The same over another session, after this one was lost; left out where there is none to be had. */
  readonly renew?: (() => Promise<TransferParts>) | undefined
}

import { chown, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import type { Config } from '../config/config.ts'
import { AuditLog, type AuditRecord } from '../observe/audit-log.ts'
import type { Io } from './verb.ts'

/** The person behind a verb: who became root by sudo is still the one. */
export function operator({ env }: Pick<Io, 'env'>): string {
  return env['SUDO_USER'] ?? userInfo().username
}

/** Writes a line into the audit log of the gateway; whether it could. The gateway must be able to go on with the file. */
export async function audited({ logging, state }: Config, record: AuditRecord, io: Io): Promise<boolean> {
  const { audit: file } = logging
  if (file === undefined) return false
  const isNew = await stat(file).then(
    () => false,
    () => true,
  )
  let written = true
  const audit = new AuditLog(file, (event) => {
    written = false
    if (event.kind === 'warning') io.stderr.write(`ftps-gateway: ${event.message}\n`)
  })
  audit.write(record)
  await audit.flush()
  if (written && isNew && process.getuid?.() === 0) {
    const owner = await stat(state.directory ?? dirname(file))
    await chown(file, owner.uid, owner.gid)
  }
  return written
}

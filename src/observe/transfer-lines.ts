import { type ByteString, fromText, toBuffer, toText } from '../ftp/bytes.ts'
import type { TransferRecord } from './observer.ts'

export type TransferFormat = 'json' | 'xferlog'

/** The line of a record, with its end; nothing in it can end it before. */
export function transferLine(record: TransferRecord, format: TransferFormat): string {
  return `${format === 'json' ? jsonOf(record) : xferlogOf(record)}\n`
}

/** Every key is always there, in this order; deploy/transfer-log.md explains them. */
function jsonOf(record: TransferRecord): string {
  const { data, stored } = record
  const tls = typeof data === 'object' ? data : undefined
  const line = {
    start: record.start.toISOString(),
    end: record.end.toISOString(),
    seconds: Math.round(record.seconds * 1000) / 1000,
    session: record.session,
    partner: record.partner,
    user: toText(record.user),
    address: record.address,
    listener: record.listener,
    verb: record.verb,
    path: toText(record.path),
    bytes: record.bytes,
    storedBytes: stored?.bytes ?? null,
    sha256: stored?.sha256 ?? null,
    outcome: record.outcome === 'ok' ? 'ok' : 'failed',
    cause: record.outcome === 'ok' ? null : record.outcome,
    code: record.code,
    extent: record.whole ? 'whole' : 'partial',
    offset: record.offset,
    type: record.type,
    mode: record.mode,
    data: tls ? 'tls' : (data ?? 'none'),
    tls: tls?.version ?? null,
    cipher: tls?.cipher ?? null,
    reused: tls?.reused ?? null,
  }
  // JSON leaves these as they are, and some readers end a line at them.
  return JSON.stringify(line).replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** As of wu-ftpd's xferlog(5): fields between single blanks. */
function xferlogOf(record: TransferRecord): string {
  return [
    localTime(record.end),
    // Readers divide by it.
    Math.max(1, Math.round(record.seconds)),
    record.address,
    record.bytes,
    escaped(record.path),
    record.type === 'I' ? 'b' : 'a',
    '_',
    record.verb === 'RETR' ? 'o' : 'i',
    'r',
    escaped(record.user),
    'ftp',
    '0 *',
    record.outcome === 'ok' ? 'c' : 'i',
  ].join(' ')
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** As of ctime(3). */
function localTime(time: Date): string {
  const two = (part: number) => String(part).padStart(2, '0')
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  const day = String(time.getDate()).padStart(2, ' ')
  return `${days[time.getDay()]} ${months[time.getMonth()]} ${day} ${clock} ${time.getFullYear()}`
}

/** Blanks, control characters, `%` and bytes that are no UTF-8 as `%20` and so on, so that nothing is lost. */
function escaped(name: ByteString): string {
  const text = toText(name)
  const isText = fromText(text) === name
  return isText
    ? text.replace(/[\s%\p{C}]/gu, (c) => percent(Buffer.from(c)))
    : name.replace(/[^!-$&-~]/g, (c) => percent(toBuffer(c)))
}

function percent(bytes: Buffer): string {
  return [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

import { deeds } from './cell.ts'
import type { Row } from './rows.ts'
import { wayNames } from './way.ts'

/** The document deploy/clients.md; a cell without a reason is one that works, or the run has failed. */
export function clientsDocument(rows: readonly Row[]): string {
  const reasons: string[] = []
  const cell = (reason: string | undefined) => {
    if (reason === undefined) return 'works'
    if (!reasons.includes(reason)) reasons.push(reason)
    return `– [${reasons.indexOf(reason) + 1}]`
  }
  const ways = rows.map((row) => [row.client.name, row.from, ...wayNames.map((way) => cell(row.cannot?.[way]))])
  const able = rows.map((row) => [row.client.name, ...deeds.map((deed) => cell(row.lacks?.[deed]))])
  return [
    introduction,
    '## Ways to connect',
    table(['client', 'from', ...wayNames], ways),
    '## What each client does',
    table(['client', ...deeds], able),
    '## Why not',
    `${reasons.map((reason, i) => `${i + 1}. ${reason}`).join('\n')}\n`,
  ].join('\n\n')
}

const introduction = `# Clients the gateway is tested with

Written by \`npm run clients-table\`; \`npm test\` fails when it is not what the run finds. Each client is a real program from Debian's
packages (or npm), in front of a gateway with a real OpenSSH server behind it. In each cell it logs in, lists, uploads and downloads
a file of 200 kB and an empty one, renames, deletes, makes and removes a directory. The verdict is the bytes and names on the
disk of the OpenSSH server; that the client came by this way is seen in the gateway's events.

“works”: everything that the client is able to. “–”: the client has no such feature, for the reason of that number. Where a way says
nothing of it: passive, IPv4; active ways are explicit TLS unless they say plain; IPv6 is explicit TLS 1.3 where the client has that,
else plain. “Plain” needs a listener with \`requireTls: false\`. A setting in the second column stands in the partner file.`

/** Columns are padded as Biome formats them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) => `| ${cells.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

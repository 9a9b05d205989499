import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const orders = [
  'order;article;quantity;delivery',
  '4711;pallet jack;2;2026-12-01',
  '4712;stretch film;40;2026-12-03',
  '4713;edge protector;500;2026-12-03',
]

const invoice = [
  'INVOICE 2026-1042',
  '',
  '  2  pallet jack        598.00',
  ' 40  stretch film       220.00',
  '                       -------',
  'Total EUR               818.00',
]

/** Puts what a partner's account typically looks like into an empty folder: `orders.csv`, `invoices/`, `in/`. */
export async function writeSampleFiles(directory: string): Promise<void> {
  await mkdir(join(directory, 'invoices'), { recursive: true })
  await mkdir(join(directory, 'in'), { recursive: true })
  await writeFile(join(directory, 'orders.csv'), `${orders.join('\r\n')}\r\n`)
  await writeFile(join(directory, 'invoices', '2026-1042.txt'), `${invoice.join('\n')}\n`)
}

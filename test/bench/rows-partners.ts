import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runOk } from '../support/run.ts'
import type { BenchPlace } from './bench-place.ts'
import type { Attempt, Contender, Row } from './row.ts'

const many = 2000

/** `ftps-gateway check`, which reads what a start and a reload read; that of one partner is nearly all Node's own start. */
export const partnersRow: Row = {
  name: 'partners',
  title: `configuration with ${many} partner files, each with a key file of its own, as ftps-gateway check reads it`,
  unit: 'ms',
  amount: () => 1,
  contenders: [
    checking('one partner', 1, 'files'),
    checking(`${many} files`, many, 'files'),
    checking(`one file with ${many}`, many, 'list'),
  ],
  targets: [],
}

function checking(name: string, partners: number, how: 'files' | 'list'): Contender {
  return { name, prepare: async (place) => check(makeConfiguration(place, partners, how)) }
}

async function check(file: string): Promise<Attempt> {
  let said = ''
  return {
    async go() {
      said = (await runOk(process.execPath, [resolve('dist/main.js'), 'check', '--config', file])).toString()
    },
    async check() {
      if (!said.includes('# Partner p0')) throw new Error('check has not seen the partners')
    },
  }
}

function makeConfiguration({ sshd }: BenchPlace, count: number, how: 'files' | 'list'): string {
  const folder = mkdtempSync(join(sshd.folder, 'partners-'))
  mkdirSync(join(folder, 'p'))
  mkdirSync(join(folder, 'keys'))
  const passwordHash = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'B'.repeat(43)}`
  const partners = Array.from({ length: count }, (_, i) => {
    copyFileSync(sshd.privateKey, join(folder, 'keys', `${i}`))
    const auth = { mode: 'local', passwordHash, sftp: { username: `in${i}`, privateKey: `../keys/${i}` } }
    const match = { users: [`p${i}`, `p${i}-test`], sources: [`10.${i >> 8}.${i & 255}.0/24`] }
    return { name: `p${i}`, match, auth, root: `/data/p${i}` }
  })
  if (how === 'list') writeFileSync(join(folder, 'p/all.yaml'), JSON.stringify(partners))
  else for (const partner of partners) writeFileSync(join(folder, `p/${partner.name}.yaml`), JSON.stringify(partner))
  const backends = [{ name: 'main', host: 'sftp.internal', hostKeys: [sshd.fingerprints.ed25519] }]
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, JSON.stringify({ version: 1, backends, partners: 'p/*.yaml' }))
  return file
}

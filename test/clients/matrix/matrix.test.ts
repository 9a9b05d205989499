import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fixture, makeFixture } from '../../support/fixtures.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway-under-test.ts'
import { ground } from '../../support/ground.ts'
import { type Sshd, startSshd } from '../../support/sshd.ts'
import { deeds, proveCell } from './cell.ts'
import { type Issued, issueCertificate } from './certificate.ts'
import { commonsNetCommand, compileCommonsNet } from './commons-net.ts'
import { clientsDocument } from './document.ts'
import { dialogueOf, proveWay } from './evidence.ts'
import { matrixRows, type Row } from './rows.ts'
import { type Way, wayNames, wayOf } from './way.ts'

const { runFolder } = await ground()
const folder = mkdtempSync(join(runFolder, 'matrix-'))
const rows = matrixRows(commonsNetCommand(folder, false))

interface Case {
  readonly row: Row
  readonly way: Way
  /** Login of this cell alone; its root on the backend has the same name. */
  readonly user: string
  readonly name: string
}

const cases = rows.flatMap((row, i) =>
  wayNames.flatMap((wayName, j): Case[] => {
    if (row.cannot?.[wayName] !== undefined) return []
    const way = wayOf(wayName, row.best, row.bestActive)
    return [{ row, way, user: `cell-${i}-${j}`, name: `${row.client.name}: ${wayName}` }]
  }),
)

let sshd: Sshd
let gateway: TestGateway
let issued: Issued
let up: Fixture
let down: Fixture
/** The cells that worked in this run. */
const worked = new Set<string>()

beforeAll(async () => {
  chmodSync(folder, 0o755)
  await compileCommonsNet(folder)
  issued = await issueCertificate(folder)
  up = await makeFixture(folder, 200_000)
  down = await makeFixture(folder, 210_001)
  sshd = await startSshd()
  mkdirSync(join(folder, 'partners.d'))
  for (const { row, user } of cases) {
    const auth = { mode: 'passthrough', username: sshd.user.name }
    const partner = { name: user, match: { users: [user] }, auth, root: join(sshd.home, user), ...row.partner }
    writeFileSync(join(folder, 'partners.d', `${user}.yaml`), JSON.stringify(partner))
  }
  gateway = await startTestGateway({
    sshd,
    settings: {
      listeners: (['explicit', 'implicit', 'off'] as const).map((tls) => {
        return { name: tls, address: '::', port: 0, tls, ...(tls === 'off' && { requireTls: false }) }
      }),
      tls: { certificates: [{ cert: issued.cert, key: issued.key }] },
      partners: join(folder, 'partners.d', '*.yaml'),
    },
  })
}, 120_000)

afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

describe('each client does all it can on each way, and the files on the backend are the same to the byte', () => {
  test.concurrent.for(cases)('$name', { timeout: 180_000 }, async ({ row, way, user }) => {
    const site = {
      host: way.host,
      port: gateway.port(way.mode),
      mode: way.mode,
      tls: way.tls,
      data: way.data,
      user,
      password: sshd.user.password,
      certificate: issued.authority,
      folder: join(folder, user),
    }
    const able = new Set(deeds.filter((deed) => row.lacks?.[deed] === undefined))
    try {
      await proveCell({ client: row.client, site, able, disk: join(sshd.home, user), owner: sshd.user, up, down })
      proveWay(gateway.log, user, way)
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${dialogueOf(gateway.log, user)}`, { cause: error })
    }
    worked.add(user)
  })
})

test('deploy/clients.md says what this run found (npm run clients-table writes it)', () => {
  expect(cases.filter(({ user }) => !worked.has(user)).map(({ name }) => name)).toEqual([])
  const path = join(import.meta.dirname, '../../../deploy/clients.md')
  const document = clientsDocument(rows)
  if (process.env['CLIENTS_TABLE'] === 'write') writeFileSync(path, document)
  expect(readFileSync(path, 'utf8')).toBe(document)
})

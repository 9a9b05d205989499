import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, test } from 'vitest'
import { freePort, freeRange } from '../support/free-port.ts'
import { ground } from '../support/ground.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { stepsOf, withValues } from './document.ts'
import { walk } from './walk.ts'

const mark = randomBytes(3).toString('hex')
const users = { ACME: `walk-acme-${mark}`, BETA: `walk-beta-${mark}` }

/** The page's last step removes them, but who knows how far it came. */
afterEach(async () => {
  for (const user of Object.values(users)) await run(program('userdel'), [user])
})

test('deploy/migration.md, typed from top to bottom, moves two partners from vsftpd to OpenSSH as it shows', {
  timeout: 900_000,
}, async () => {
  const { runFolder } = await ground()
  const { first, last } = await freeRange(50)
  const ports = { OLD_PORT: await freePort(), NEW_PORT: await freePort(), GATEWAY_PORT: await freePort() }
  const document = withValues(readFileSync('deploy/migration.md', 'utf8'), {
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
    PASSIVE: `${first}-${last}`,
    ...users,
  })
  await walk(stepsOf(document), { cwd: resolve('.'), folder: join(runFolder, 'migration-walk'), runFolder })
})

import { readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'vitest'
import { ground } from '../support/ground.ts'
import { program } from '../support/packages.ts'
import { runOk } from '../support/run.ts'
import { stepsOf } from './document.ts'
import { walk } from './walk.ts'

test('deploy/first-steps.md, typed from top to bottom in a clean clone, starts, uploads, watches, adds a partner, reloads and drains', {
  timeout: 900_000,
}, async () => {
  const { runFolder } = await ground()
  const clone = join(runFolder, 'first-steps')
  await runOk(program('git'), ['clone', '--quiet', resolve('.'), clone])
  // In a network of its own, where the ports of the page are free, npm has only what is in its cache: so it is put there.
  await runOk('npm', ['ci', '--ignore-scripts', '--prefer-offline'], { cwd: clone, timeoutMs: 300_000 })
  rmSync(join(clone, 'node_modules'), { recursive: true })
  await walk(stepsOf(readFileSync(join(clone, 'deploy/first-steps.md'), 'utf8')), {
    cwd: clone,
    folder: join(runFolder, 'first-steps-walk'),
    runFolder,
    ownNetwork: true,
    env: { ...process.env, npm_config_offline: 'true' },
    stepMs: 300_000,
  })
})

import type { TestProject } from 'vitest/node'
import { clearGround, prepareGround } from './ground.ts'
import { runOk } from './run.ts'

/** Runs once before all tests: what they need is installed, built and handed to them. The returned function clears up. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // The tests of the command line run the built program, as its users do.
  await runOk('npm', ['run', '--silent', 'build'], { timeoutMs: 180_000 })
  const ground = await prepareGround()
  project.provide('ground', ground)
  return () => clearGround(ground)
}

import { expect, test } from 'vitest'
import type { PreflightReport } from '../../src/backend/sftp/preflight-report.ts'
import { inArena, noise } from '../support/hostile-sftp/arena.ts'
import { answer, answers, attributes, data, failure, lostAtRequest, silence } from '../support/hostile-sftp/misdeeds.ts'
import type { Fault, Operation } from '../support/hostile-sftp/scenario.ts'
import type { HostileServer } from '../support/hostile-sftp/server.ts'

/*
 * A server is tried out, and that is when it fails. What was made is removed all the same, and nobody hears that it works.
 */

const made = ({ tree }: HostileServer) => [...tree.root.children.keys()].filter((name) => name.includes('test-'))
const states = ({ steps }: PreflightReport) => Object.fromEntries(steps.map(({ name, state }) => [name, state]))

/** What an upload needs, and what surrounds it. */
const needed: Operation[] = ['open', 'write', 'fsync@openssh.com', 'fstat', 'close', 'posix-rename@openssh.com']
const surrounding: Operation[] = ['read', 'statvfs@openssh.com', 'opendir', 'readdir']

test.each([...needed, ...surrounding])(
  'a connection that is lost at the first %s: lost, and nothing is left',
  async (on) => {
    await inArena({ faults: [{ on, does: lostAtRequest }] }, async ({ preflight, server }) => {
      const report = await preflight()
      expect([report.outcome, states(report)['remove']]).toEqual(['lost', 'ok'])
      expect(made(server)).toEqual([])
    })
  },
)

test.each([1, 2, 3])(
  'a connection that is lost at REMOVE number %d: the rest is removed over another one',
  async (nth) => {
    await inArena({ faults: [{ on: 'remove', nth, does: lostAtRequest }] }, async ({ preflight, server }) => {
      expect(states(await preflight())['remove']).toBe('ok')
      expect(made(server)).toEqual([])
    })
  },
)

test.each([...needed, ...surrounding])('no answer to the first %s: it ends, and nothing is left', async (on) => {
  const options = { faults: [{ on, does: silence }], deadlineMs: 1_000, handlesStay: true } as const
  await inArena(options, async ({ preflight, server }) => {
    const report = await preflight()
    expect([report.outcome, states(report)['remove']]).toEqual(['lost', 'ok'])
    expect(made(server)).toEqual([])
  })
})

test.each(needed)('%s is refused: uploads do not work, and nothing is left, no handle either', async (on) => {
  // A server that refuses to close a handle keeps it.
  const handlesStay = on === 'close'
  await inArena({ faults: [{ on, times: 100, does: failure(3) }], handlesStay }, async ({ preflight, server }) => {
    expect((await preflight()).outcome).toBe('fails')
    expect(made(server)).toEqual([])
  })
})

test.each(surrounding)('%s is refused: uploads work, and nothing is left', async (on) => {
  await inArena({ faults: [{ on, times: 100, does: failure(3) }] }, async ({ preflight, server }) => {
    expect((await preflight()).outcome).toBe('works')
    expect(made(server)).toEqual([])
  })
})

test('where nobody may look, what is gone is not said to be left', async () => {
  await inArena({ faults: [{ on: 'lstat', times: 100, does: failure(3) }] }, async ({ preflight, server }) => {
    expect(states(await preflight())['remove']).toBe('ok')
    expect(made(server)).toEqual([])
  })
})

test('a file that never ends is not read for ever', async () => {
  const endless: Fault[] = [
    { on: 'stat', nth: 2, does: answers(answer.attrs, attributes({ size: 1e12, mode: 0o100644 })) },
    { on: 'read', times: Number.POSITIVE_INFINITY, does: data(noise(32_768)) },
  ]
  await inArena({ faults: endless }, async ({ preflight, server }) => {
    const report = await preflight()
    expect([report.outcome, states(report)['read back']]).toEqual(['fails', 'failed'])
    expect(made(server)).toEqual([])
  })
})

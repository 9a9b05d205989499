import { expect, test } from 'vitest'
import { startMemoryGateway } from '../support/memory-gateway.ts'
import { program } from '../support/packages.ts'
import { runOk } from '../support/run.ts'

test('T8: empty listings and files over TLS 1.3 end with close_notify, each of 100', { timeout: 120_000 }, async () => {
  const gateway = await startMemoryGateway({ tls: 'explicit' })
  try {
    gateway.backend.tree.addDirectory('/empty')
    gateway.backend.tree.addFile('/nothing')
    const script = new URL('empty-downloads.py', import.meta.url).pathname
    const said = await runOk(program('python3'), [script, `${gateway.port}`, '100'], { timeoutMs: 110_000 })
    expect(said.toString().trim()).toBe('200 taken, 0 without an end, 0 bytes')
    const data = gateway.events.flatMap((event) =>
      event.kind === 'tls' && event.channel === 'data' ? [event.version] : [],
    )
    expect(data).toEqual(Array(200).fill('TLSv1.3'))
  } finally {
    await gateway.stop()
  }
})

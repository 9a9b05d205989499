import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Admin, startAdmin } from '../../src/admin/admin-server.ts'
import type { GatewayStatus } from '../../src/admin/health.ts'

const address = '127.0.0.1'
const working: GatewayStatus = { listening: true, draining: false, backends: [{ name: 'main', up: true }] }
let status: GatewayStatus
let metricsText: () => Promise<string>
let admin: Admin

beforeEach(async () => {
  status = working
  metricsText = async () => 'up 1\n'
  const metrics = { text: () => metricsText(), contentType: 'text/plain; version=0.0.4' }
  admin = await startAdmin({ address, port: 0, metrics, status: () => status })
})
afterEach(async () => {
  await admin.close()
})

function ask(path: string, method = 'GET'): Promise<Response> {
  return fetch(`http://${address}:${admin.port}${path}`, { method })
}

describe('The admin server', () => {
  test('serves the metrics with their content type', async () => {
    const response = await ask('/metrics')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4')
    expect(await response.text()).toBe('up 1\n')
  })

  test('answers 500 when metrics cannot be collected, and goes on', async () => {
    metricsText = () => Promise.reject(new Error('collector'))
    expect((await ask('/metrics')).status).toBe(500)
    expect((await ask('/healthz')).status).toBe(200)
  })

  test.each<[string, GatewayStatus, number[], string[]]>([
    ['all works', working, [200, 200, 200], []],
    ['draining', { ...working, draining: true }, [200, 200, 503], ['draining, no new sessions']],
    ['no listener', { ...working, listening: false }, [200, 503, 503], ['listeners are not open']],
    [
      'the only backend is down',
      { ...working, backends: [{ name: 'main', up: false }] },
      [200, 503, 503],
      ['backend main cannot be reached'],
    ],
    [
      'the only backend is not tried yet',
      { ...working, backends: [{ name: 'main', up: undefined }] },
      [200, 503, 503],
      ['backend main has not been tried yet'],
    ],
    [
      'one of two backends is down',
      { ...working, backends: [...working.backends, { name: 'second', up: false }] },
      [200, 200, 200],
      ['backend second cannot be reached'],
    ],
  ])('says when %s, to each probe what it asks', async (_, current, codes, reasons) => {
    status = current
    const answers = await Promise.all(['/healthz', '/readyz', '/lbz'].map((path) => ask(path)))
    expect(answers.map((answer) => answer.status)).toEqual(codes)
    expect(await answers[2]?.json()).toEqual({ ok: codes[2] === 200, reasons })
  })

  test('answers HEAD without a body, other methods with 405, other paths with 404', async () => {
    const head = await ask('/metrics', 'HEAD')
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', ''])
    const post = await ask('/metrics', 'POST')
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await ask('/metrics/../etc/passwd%00')).status).toBe(404)
    expect((await ask('/')).status).toBe(404)
    expect((await ask('/healthz?verbose')).status).toBe(200)
  })

  test('keeps no connection, so that closing waits for nobody', async () => {
    expect((await ask('/healthz')).headers.get('connection')).toBe('close')
    const idle = connect(admin.port, address)
    await once(idle, 'connect')
    idle.on('error', () => undefined)
    const ended = once(idle, 'close')
    await admin.close()
    await ended
    await expect(ask('/healthz')).rejects.toThrow()
    admin = await startAdmin({
      address,
      port: admin.port,
      metrics: { text: metricsText, contentType: '' },
      status: () => status,
    })
  })

  test('ends a connection whose request does not come', async () => {
    const slow = connect(admin.port, address)
    slow.write('GET /healthz HTTP/1.1\r\nHost: ')
    const chunks: Buffer[] = []
    for await (const chunk of slow) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('rejects with the code of the system when the port is taken', async () => {
    const metrics = { text: metricsText, contentType: '' }
    const second = startAdmin({ address, port: admin.port, metrics, status: () => status })
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE', port: admin.port })
  })
})

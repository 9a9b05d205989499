import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Event } from '../../src/observe/observer.ts'
import { freeRange } from '../support/free-port.ts'
import { type MemoryGateway, type MemoryGatewayOptions, startMemoryGateway } from '../support/memory-gateway.ts'
import { type Network, startNetwork } from '../support/network.ts'
import { program } from '../support/packages.ts'
import type { RunResult } from '../support/run.ts'

let network: Network
let folder: string
beforeAll(async () => {
  network = await startNetwork()
  folder = mkdtempSync(join(tmpdir(), 'nat-test-'))
})
afterAll(async () => {
  await network?.stop()
  rmSync(folder, { recursive: true })
})

let gateway: MemoryGateway
afterEach(async () => {
  await network.noRules()
  await gateway.stop()
  expect(gateway.ports.inUse).toBe(0)
  expect(gateway.events.filter(({ kind }) => kind === 'bug')).toEqual([])
})

async function start(options: MemoryGatewayOptions = {}): Promise<void> {
  gateway = await startMemoryGateway({ address: network.gateway, ...options })
  gateway.backend.tree.addFile('/f', 'content')
}

/** curl behind the NAT fetches a file. */
function curl(...options: readonly string[]): Promise<RunResult> {
  const url = `ftp://${network.gateway}:${gateway.port}/f`
  return network.run('client', 'curl', ['-sS', '-k', '-u', 'test:secret', '-m', '40', ...options, url], folder)
}

type Data = Extract<Event, { kind: 'dataConnection' }>
const data = (): Data[] => gateway.events.filter((event) => event.kind === 'dataConnection')
const causes = () => data().map(({ outcome, missing }) => missing?.cause ?? outcome)

const pasv = ['--disable-epsv', '--no-ftp-skip-pasv-ip']
const gotIt = { code: 0, stdout: Buffer.from('content') }

describe('a client behind NAT, passive', () => {
  test.each([
    ['EPSV, plain', 'off', []],
    ['PASV, plain', 'off', pasv],
    ['EPSV, TLS', 'explicit', ['--ssl-reqd']],
    ['PASV, TLS', 'explicit', [...pasv, '--ssl-reqd']],
  ] as const)('%s: the client gets its file', async (_what, tls, options) => {
    await start({ tls })
    expect(await curl(...options)).toMatchObject(gotIt)
    expect(gateway.events).toContainEqual(expect.objectContaining({ kind: 'sessionOpened', address: network.outer[0] }))
    expect(causes()).toEqual(['ok'])
  })

  test('that is told a private address does not come, and the operator reads why', async () => {
    await start({ advertise: { advertise: '10.255.255.1' } })
    expect((await curl(...pasv)).code).not.toBe(0)
    await expect.poll(() => gateway.server.sessions, { timeout: 20_000 }).toBe(0)
    expect(data()).toMatchObject([
      {
        outcome: 'timeout',
        advertised: expect.stringMatching(/^10\.255\.255\.1:\d+$/),
        missing: { cause: 'advertised_private', client: network.outer[0] },
      },
    ])
  })

  test('is told the right one by its network', async () => {
    const advertiseFor = [{ from: `${network.outer[0]}/32`, address: network.gateway }]
    await start({ advertise: { advertise: '10.255.255.1', advertiseFor } })
    expect(await curl(...pasv)).toMatchObject(gotIt)
  })

  test('whose firewall refuses the passive ports: the cause is told', async () => {
    const passivePorts = await freeRange(20)
    await start({ passivePorts })
    await network.rules(`forward tcp dport ${passivePorts.first}-${passivePorts.last} reject with tcp reset`)
    expect((await curl()).code).not.toBe(0)
    await expect.poll(() => gateway.server.sessions, { timeout: 20_000 }).toBe(0)
    expect(causes()).toEqual(['firewall'])
  })

  test('whose firewall drops the passive ports: the cause is told', async () => {
    const passivePorts = await freeRange(20)
    await start({ passivePorts })
    await network.rules(`forward tcp dport ${passivePorts.first}-${passivePorts.last} drop`)
    expect((await curl('--connect-timeout', '7')).code).not.toBe(0)
    await expect.poll(() => gateway.server.sessions, { timeout: 20_000 }).toBe(0)
    // curl tries EPSV first, and PASV when nothing came of it.
    expect(causes()[0]).toBe('firewall')
    expect(data()[0]?.missing).toMatchObject({
      client: network.outer[0],
      likely: expect.stringContaining('passive.ports'),
    })
  })

  describe('whose connections come from two addresses', () => {
    const twoAddresses = () =>
      network.rules(`post oifname outer tcp dport != ${gateway.port} snat to ${network.outer[1]}`)

    test('gets 425, and the operator reads why', async () => {
      await start({ timeouts: { dataConnectMs: 500 } })
      await twoAddresses()
      expect((await curl()).code).not.toBe(0)
      await expect.poll(() => gateway.server.sessions, { timeout: 20_000 }).toBe(0)
      expect(causes()).toEqual(['wrong_peer', 'peer_mismatch'])
      expect(data()[1]?.missing?.likely).toContain(`${network.outer[1]} came in its place`)
    })

    test('gets its file where any address may come', async () => {
      await start({ dialect: { passive: { peerMustMatch: 'any' } } })
      await twoAddresses()
      expect(await curl()).toMatchObject(gotIt)
    })
  })
})

describe('a client behind NAT, active', () => {
  const active = () => ['-P', `${network.client}:41000-41050`]

  test('names its private address and is refused; the operator reads what helps', async () => {
    await start()
    expect((await curl(...active())).code).not.toBe(0)
    expect(causes()).toEqual(['foreign_address', 'foreign_address'])
    expect(data()[0]).toMatchObject({ advertised: expect.stringMatching(/^192\.168\.77\.2:410\d\d$/) })
    expect(data()[0]?.missing?.likely).toContain('active.privateAddress: rewrite')
  })

  test('gets its file where private addresses are replaced and its NAT knows the port', async () => {
    await start({ dialect: { active: { privateAddress: 'rewrite' } } })
    await network.rules(`pre iifname outer tcp dport 41000-41050 dnat to ${network.client}`)
    expect(await curl(...active())).toMatchObject(gotIt)
    expect(causes()).toEqual(['ok'])
  })

  test('is refused by its NAT where that does not know the port: 425 with a hint', async () => {
    await start({ dialect: { active: { privateAddress: 'rewrite' } } })
    const { code, stderr } = await curl(...active(), '-v')
    expect(code).not.toBe(0)
    expect(stderr).toContain('Behind NAT or a firewall use passive mode.')
    expect(causes()).toContain('client_refuses')
  })

  test('gets no answer where its firewall drops the connection: 425 with a hint', async () => {
    await start({ dialect: { active: { privateAddress: 'rewrite' } }, timeouts: { dataConnectMs: 1_000 } })
    await network.rules(
      `pre iifname outer tcp dport 41000-41050 dnat to ${network.client}`,
      'forward oifname inner tcp dport 41000-41050 drop',
    )
    const { code, stderr } = await curl(...active(), '-v')
    expect(code).not.toBe(0)
    expect(stderr).toContain('Behind NAT or a firewall use passive mode.')
    expect(causes()).toContain('client_unreachable')
  })
})

/** ftplib forgets the scope when it is passive, curl when it is active. */
describe('IPv6 link-local addresses, which need their scope', () => {
  const fetchers = {
    passive: (host: string) => ({
      command: 'curl',
      args: ['-sS', '-m', '40', '-u', 'test:secret', `ftp://[${host.replace('%', '%25')}]:${gateway.port}/f`],
    }),
    active: (host: string) => ({
      command: program('python3'),
      args: [
        '-c',
        `import ftplib, sys
ftp = ftplib.FTP(timeout=30)
ftp.connect('${host}', ${gateway.port})
ftp.login('test', 'secret')
ftp.set_pasv(False)
ftp.retrbinary('RETR f', sys.stdout.buffer.write)
ftp.quit()`,
      ],
    }),
  }

  test.each(['passive', 'active'] as const)('%s', async (mode) => {
    const { address, scopeHere, scopeThere } = network.linkLocal
    await start({ address: '::' })
    const { command, args } = fetchers[mode](`${address}%${scopeThere}`)
    const result = await network.run('router', command, args, folder)
    expect(result, result.stderr).toMatchObject(gotIt)
    expect(data()).toMatchObject([{ mode, outcome: 'ok' }])
    const opened = gateway.events.find((event) => event.kind === 'sessionOpened')
    expect(opened?.address).toMatch(new RegExp(`^fe80::.*%${scopeHere}$`))
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { sayVerb } from '../support/verb.ts'

const pin = `SHA256:${'A'.repeat(43)}`
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ports-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const usual = {
  version: 1,
  backends: [
    { name: 'main', host: 'sftp.internal', hostKeys: [pin] },
    { name: 'old', host: '192.0.2.7', port: 2222, hostKeys: [pin] },
  ],
  defaults: { backend: 'main' },
  passive: { ports: '50000-50099', slice: { index: 1, count: 4 } },
}

async function ports(settings: object, ...options: readonly string[]) {
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, JSON.stringify({ ...usual, ...settings }))
  return sayVerb(['ports', '--config', file, ...options])
}

describe('ftps-gateway ports', () => {
  test('names what clients connect to, this instance’s share of the passive ports, and what the gateway connects to', async () => {
    const { code, stdout } = await ports({})
    expect(code).toBe(0)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/ {2,}/g, ' | ')),
    ).toEqual([
      'direction | ports | address | peers | what for',
      'in | 21 | any | clients | listener explicit, explicit TLS',
      'in | 990 | any | clients | listener implicit, implicit TLS',
      'in | 50025-50049 | any | clients | passive data connections, share 1 of 4',
      'out | any | any | clients | active data connections',
      'out | 22 | sftp.internal | backend | backend main, SFTP',
      'out | 2222 | 192.0.2.7 | backend | backend old, SFTP',
      'out | 53 tcp, udp | any | name servers | addresses of sftp.internal',
    ])
  })

  test('leaves out what is switched off, and what only this machine reaches', async () => {
    const { stdout } = await ports({ active: { mode: 'off' }, admin: { address: '127.0.0.1', port: 9464 } })
    expect(stdout).not.toMatch(/active|admin/)
  })

  test('names the admin port for the monitoring, and active mode’s own ports when any listener has it', async () => {
    const { stdout } = await ports({
      admin: { address: '10.0.0.5', port: 9464 },
      active: { mode: 'off', sourcePort: '40000-40009' },
      listeners: [{ name: 'dock', address: '10.0.0.5', port: 2121, active: 'on' }],
    })
    expect(stdout).toMatch(/^in +9464 +10\.0\.0\.5 +monitoring +admin/m)
    expect(stdout).toMatch(/^in +50025-50049 +10\.0\.0\.5 +clients/m)
    expect(stdout).toMatch(/^out +any, from 40000-40009 +any +clients +active/m)
  })

  test('says that a port of 0 cannot be opened, and writes no rules without it', async () => {
    const settings = { listeners: [{ name: 'any', port: 0 }] }
    expect(await ports(settings)).toMatchObject({ code: 1, stderr: expect.stringContaining('listener any') })
    expect(await ports(settings, '--format', 'nftables')).toMatchObject({ code: 1, stdout: '' })
  })

  test('writes one JSON object', async () => {
    const { code, stdout } = await ports({}, '--json')
    expect(code).toBe(0)
    const { ports: all, unfixed } = JSON.parse(stdout)
    expect(unfixed).toEqual([])
    expect(all).toContainEqual({
      direction: 'in',
      purpose: 'listener implicit, implicit TLS',
      address: '::',
      first: 990,
      last: 990,
      peers: 'clients',
    })
  })

  test('refuses a format that it does not know, with the one that was meant', async () => {
    const { code, stderr } = await ports({}, '--format', 'nftable')
    expect(code).toBe(64)
    expect(stderr).toContain('did you mean "nftables"?')
  })

  /** Everything that a configuration can bring, in one. */
  const everything = {
    listeners: [
      { name: 'v4', address: '192.0.2.1', port: 2121 },
      { name: 'v6', address: '2001:db8::1', port: 2990, tls: 'implicit' },
    ],
    active: { sourcePort: 20 },
    admin: { address: '192.0.2.1', port: 9464 },
  }

  test.each([
    ['the usual', {}],
    ['everything', everything],
  ])('writes rules that nft takes: %s', async (_, settings) => {
    const { stdout } = await ports(settings, '--format', 'nftables')
    const file = join(folder, 'rules.nft')
    writeFileSync(file, stdout)
    const checked = await run(program('nft'), ['-c', '-f', file])
    expect({ code: checked.code, stderr: checked.stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('tcp dport 50025-50049 accept')
  })

  test('writes commands for ufw', async () => {
    const { stdout } = await ports(everything, '--format', 'ufw')
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      `ufw allow proto tcp to 192.0.2.1 port 2121 comment 'listener v4, explicit TLS'`,
      `ufw allow proto tcp to 2001:db8::1 port 2990 comment 'listener v6, implicit TLS'`,
      `ufw allow proto tcp to 192.0.2.1 port 50025:50049 comment 'passive data connections, share 1 of 4'`,
    ])
    expect(stdout).toContain(
      `ufw allow out proto tcp from any port 20 to any port 1:65535 comment 'active data connections'`,
    )
    expect(stdout).toContain(`ufw allow out proto tcp to 192.0.2.7 port 2222 comment 'backend old, SFTP at 192.0.2.7'`)
  })

  test('writes services for firewalld, one for clients and one for the monitoring', async () => {
    const { stdout } = await ports({ ...everything, active: { mode: 'off' } }, '--format', 'firewalld')
    expect(stdout).toContain('firewall-cmd --permanent --service=ftps-gateway --add-port=50025-50049/tcp\n')
    expect(stdout).toContain('firewall-cmd --permanent --service=ftps-gateway-admin --add-port=9464/tcp\n')
    expect(stdout).not.toContain('--service=ftps-gateway --add-port=9464')
  })

  test('writes commands for security groups, whose permissions are JSON', async () => {
    const { stdout } = await ports({}, '--format', 'security-group')
    const [ingress, egress] = [...stdout.matchAll(/--ip-permissions '([^']+)'/g)].map(([, json = '']) =>
      JSON.parse(json),
    )
    expect(ingress.map((one: { FromPort: number; ToPort: number }) => [one.FromPort, one.ToPort])).toEqual([
      [21, 21],
      [990, 990],
      [50025, 50049],
    ])
    expect(egress).toContainEqual({
      IpProtocol: 'tcp',
      FromPort: 2222,
      ToPort: 2222,
      IpRanges: [{ CidrIp: '192.0.2.7/32', Description: 'backend old, SFTP at 192.0.2.7' }],
    })
  })

  test('writes a Service with every single port and a NetworkPolicy with ranges', async () => {
    const { stdout } = await ports({}, '--format', 'kubernetes')
    const [service, policy] = parseAllDocuments(stdout).map((document) => document.toJS())
    expect(service.kind).toBe('Service')
    expect(service.spec.ports.map(({ port }: { port: number }) => port)).toEqual([
      21,
      990,
      ...Array.from({ length: 25 }, (_, i) => 50025 + i),
    ])
    expect(policy.spec.ingress).toContainEqual({ ports: [{ protocol: 'TCP', port: 50025, endPort: 50049 }] })
    expect(policy.spec.egress).toContainEqual({
      ports: [{ protocol: 'TCP', port: 2222 }],
      to: [{ ipBlock: { cidr: '192.0.2.7/32' } }],
    })
  })
})

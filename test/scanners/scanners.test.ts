import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadCertificate } from '../../src/tls/certificates.ts'
import { makeAuthority } from '../support/certificate-authority.ts'
import { type MemoryGateway, startMemoryGateway } from '../support/memory-gateway.ts'
import { program } from '../support/packages.ts'
import { run, runOk } from '../support/run.ts'

let folder: string
let gateway: MemoryGateway
let authority: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'scanners-'))
  const { ca, issue } = await makeAuthority(folder)
  authority = ca
  const { cert, key } = await issue('localhost', { names: ['localhost', '127.0.0.1'] })
  // A scanner makes many connections and logs in nowhere.
  const limits = { sessions: 500, sessionsPerAddress: 500, refusalsPerAddress: 500 }
  gateway = await startMemoryGateway({ tls: 'explicit', limits, certificates: [await loadCertificate(cert, key)] })
})
afterAll(async () => {
  await gateway?.stop()
  rmSync(folder, { recursive: true })
})

/** What testssl.sh writes for each check. */
interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

const harmless: readonly string[] = ['OK', 'INFO', 'LOW']
/** Warnings about its own openssl, and about its own client, which may leave before a ticket of TLS 1.3 has come. */
const ofItsOwn: readonly string[] = ['engine_problem', 'sessionresumption_ticket']

test('testssl.sh finds nothing above LOW', { timeout: 300_000 }, async () => {
  const file = join(folder, 'testssl.json')
  const scope = ['--protocols', '--server-defaults', '--server-preference', '--fs', '--vulnerable']
  const how = ['--warnings', 'off', '--color', '0', '--ip', '127.0.0.1', '--nodns', 'none', '--add-ca', authority]
  const args = ['-t', 'ftp', ...scope, ...how, '--jsonfile', file, `localhost:${gateway.port}`]
  await run(program('testssl'), args, { timeoutMs: 280_000 })
  const findings: readonly Finding[] = JSON.parse(readFileSync(file, 'utf8'))
  const found = findings.filter(({ id, severity }) => !harmless.includes(severity) && !ofItsOwn.includes(id))
  expect(found).toEqual([])
  const byId = new Map(findings.map(({ id, finding }) => [id, finding]))
  expect(byId.get('TLS1_2')).toBe('offered')
  expect(byId.get('TLS1_3')).toContain('offered')
  expect(byId.get('secure_client_renego')).toBe('not vulnerable')
})

test('sslscan finds no protocol below TLS 1.2 and no weak cipher', { timeout: 120_000 }, async () => {
  const args = ['--starttls-ftp', '--no-colour', '--xml=-', `127.0.0.1:${gateway.port}`]
  const xml = (await runOk(program('sslscan'), args, { timeoutMs: 110_000 })).toString()
  const protocols = elements(xml, 'protocol').filter(({ enabled }) => enabled === '1')
  expect(protocols.map(({ type, version }) => `${type} ${version}`)).toEqual(['tls 1.2', 'tls 1.3'])
  const ciphers = elements(xml, 'cipher')
  expect(ciphers.length).toBeGreaterThan(5)
  const weak = ciphers.filter(
    ({ bits, strength }) => Number(bits) < 128 || !/^(acceptable|strong)$/.test(strength ?? ''),
  )
  expect(weak).toEqual([])
})

test('the scripts of nmap log in nowhere, bounce nowhere, and are told nothing but their own session', {
  timeout: 120_000,
}, async () => {
  const names = ['ftp-anon', 'ftp-bounce', 'ftp-syst']
  // With + they run whatever nmap takes the port for, and -d tells that they did.
  const scripts = [
    '--script',
    names.map((name) => `+${name}`).join(','),
    '--script-args',
    'ftp-bounce.checkhost=127.0.0.1',
  ]
  const args = ['-d', '-Pn', '-n', '-sT', '-p', `${gateway.port}`, ...scripts, '127.0.0.1']
  const said = (await runOk(program('nmap'), args, { timeoutMs: 110_000 })).toString()
  for (const name of names) expect(said).toMatch(new RegExp(`^NSE: Finished ${name} `, 'm'))
  const found = said.split('\n').filter((line) => line.startsWith('|'))
  expect(found.map((line) => line.replace(/s-[0-9a-f]+$/, 's-ID'))).toEqual([
    '| ftp-syst: ',
    '|   STAT: ',
    '| FTP server status:',
    '|  Connected from 127.0.0.1, session s-ID',
    '|  Not logged in',
    '|  TYPE: A, STRU: F, MODE: S',
    '|  Control connection: plain, PROT C',
    '|  No transfer in progress',
    '|_End of status.',
  ])
})

/** The attributes of each element of a name. */
function elements(xml: string, name: string): Partial<Record<string, string>>[] {
  return [...xml.matchAll(new RegExp(`<${name} ([^>]*)/>`, 'g'))].map(([, attributes = '']) =>
    Object.fromEntries([...attributes.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value])),
  )
}

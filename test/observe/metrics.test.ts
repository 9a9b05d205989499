import { beforeEach, describe, expect, test } from 'vitest'
import { extension, request, statusName } from '../../src/backend/sftp/wire.ts'
import { families as commands } from '../../src/commands/index.ts'
import { sftpOperations, sftpStatuses } from '../../src/observe/label-values.ts'
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts'
import type { Event, TransferEvent } from '../../src/observe/observer.ts'
import { type Family, parsePrometheusText } from '../support/prometheus-text.ts'

let metrics: Metrics
beforeEach(() => {
  metrics = createMetrics({ version: '1.2.3', commands })
  metrics.declare({ listeners: ['explicit'], partners: ['default', 'acme', 'other'], backends: ['main'] })
})

function tell(...events: Event[]): void {
  for (const event of events) metrics.observer(event)
}

async function families(): Promise<readonly Family[]> {
  return parsePrometheusText(await metrics.text())
}

/** The value of one series, named without the prefix; undefined when it is not there. */
async function value(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
  const samples = (await families()).flatMap((family) => family.samples)
  const wanted = JSON.stringify(Object.entries(labels).sort())
  return samples.find((sample) => {
    return sample.name === `ftps_gateway_${name}` && JSON.stringify(Object.entries(sample.labels).sort()) === wanted
  })?.value
}

const upload: TransferEvent = {
  kind: 'transfer',
  session: 's-1',
  partner: 'acme',
  user: 'acme',
  address: '203.0.113.9',
  verb: 'STOR',
  path: '/in/secret-name.csv',
  direction: 'upload',
  bytes: 1500,
  seconds: 0.2,
  outcome: 'ok',
  code: 226,
}
const login: Extract<Event, { kind: 'login' }> = {
  kind: 'login',
  session: 's-1',
  user: 'acme-user',
  partner: 'acme',
  backend: 'main',
  address: '203.0.113.9',
  outcome: 'ok',
  seconds: 0.1,
}
const opened: Event = { kind: 'sessionOpened', session: 's-1', listener: 'explicit', address: '203.0.113.9' }
const closed: Event = { kind: 'sessionClosed', session: 's-1', listener: 'explicit', reason: 'quit', seconds: 3 }

describe('The metrics of a move', () => {
  const phase = { kind: 'phase', partner: 'acme', wave: 3, cause: 'start' } as const

  test('show each partner in the one phase that it is in', async () => {
    tell({ ...phase, phase: 'notice' })
    expect(await value('partner_info', { partner: 'acme', phase: 'notice', wave: '3' })).toBe(1)
    tell({ ...phase, phase: 'brownout', before: 'notice', cause: 'timeline' })
    expect(await value('partner_info', { partner: 'acme', phase: 'notice', wave: '3' })).toBeUndefined()
    expect(await value('partner_info', { partner: 'acme', phase: 'brownout', wave: '3' })).toBe(1)
    tell({ kind: 'phase', partner: 'acme', before: 'brownout', cause: 'reload' })
    expect(await value('partner_info', { partner: 'acme', phase: 'brownout', wave: '3' })).toBeUndefined()
  })

  test('show no transfers in a phase in which a partner never was', async () => {
    const labels = { partner: 'acme', direction: 'upload', outcome: 'ok' }
    expect(await value('transfers_total', { ...labels, phase: 'gateway' })).toBe(0)
    tell({ ...phase, phase: 'notice' })
    expect(await value('transfers_total', { ...labels, phase: 'gateway' })).toBeUndefined()
    expect(await value('transfers_total', { ...labels, phase: 'notice' })).toBe(0)
    tell(upload, { ...phase, phase: 'gateway', before: 'notice', cause: 'reload' })
    expect(await value('transfers_total', { ...labels, phase: 'notice' })).toBe(0)
  })

  test('count refusals of brownouts, from 0 on', async () => {
    metrics.declare({ listeners: [], partners: ['acme'], backends: [] })
    expect(await value('brownout_refusals_total', { partner: 'acme' })).toBe(0)
    tell({ ...login, outcome: 'brownout' }, { ...login, outcome: 'retired' }, { ...login, outcome: 'bad_password' })
    expect(await value('brownout_refusals_total', { partner: 'acme' })).toBe(1)
    expect(await value('logins_total', { partner: 'acme', outcome: 'brownout' })).toBe(1)
    expect(await value('logins_total', { partner: 'acme', outcome: 'retired' })).toBe(1)
  })

  test('count transfers under the phase in which their session began', async () => {
    tell(
      { ...phase, phase: 'notice' },
      { ...login, phase: 'notice' },
      { ...phase, phase: 'brownout', cause: 'timeline' },
      upload,
    )
    const labels = { partner: 'acme', direction: 'upload', outcome: 'ok' }
    expect(await value('transfers_total', { ...labels, phase: 'notice' })).toBe(1)
    expect(await value('transfers_total', { ...labels, phase: 'brownout' })).toBe(0)
  })
})

describe('The metrics of how partners stand', () => {
  const standings = [
    { partner: 'acme', brownout: true, sunset: 5_000_000 },
    { partner: 'other', brownout: false, sunset: 3_000_000 },
  ]

  test('say who meets a brownout, and when FTPS ends for whom', async () => {
    metrics.watchMoves(async () => [...standings, { partner: 'foreign', brownout: false, sunset: undefined }])
    expect(await value('brownout_active', { partner: 'acme' })).toBe(1)
    expect(await value('brownout_active', { partner: 'other' })).toBe(0)
    expect(await value('partner_sunset_timestamp_seconds', { partner: 'acme' })).toBe(5000)
    expect(await value('partner_sunset_timestamp_seconds', { partner: 'other' })).toBe(3000)
    metrics.watchMoves(async () => [{ partner: 'acme', brownout: false, sunset: undefined }])
    expect(await value('brownout_active', { partner: 'acme' })).toBe(0)
    expect(await value('partner_sunset_timestamp_seconds', { partner: 'acme' })).toBeUndefined()
    expect(await value('brownout_active', { partner: 'other' })).toBeUndefined()
  })

  test('count brownouts and show the last end where partners are summed up', async () => {
    metrics = createMetrics({ version: '1.2.3', perPartner: false })
    metrics.declare({ listeners: [], partners: ['acme', 'other'], backends: [] })
    metrics.watchMoves(async () => standings)
    expect(await value('brownout_active', { partner: 'all' })).toBe(1)
    expect(await value('partner_sunset_timestamp_seconds', { partner: 'all' })).toBe(5000)
    expect(await metrics.text()).not.toMatch(/partner="(acme|other)"/)
  })
})

describe('The metrics', () => {
  test('show when each partner was last heard of, and whether its upload is overdue', async () => {
    const never = { lastLogin: undefined, lastTransfer: undefined, lastUpload: undefined, expected: undefined }
    let read = 0
    metrics.watch(() => {
      read++
      if (read > 1) return [{ ...never, partner: 'acme', lastLogin: 5000 }]
      const times = { lastLogin: 3000, lastTransfer: 2000, lastUpload: 1000 }
      return [
        { partner: 'acme', ...times, expected: { everyMs: 60_000, overdue: true } },
        { ...never, partner: 'beta' },
      ]
    })
    const shown = async (text: string) => text.split('\n').filter((line) => line.startsWith('ftps_gateway_partner_'))
    expect(await shown(await metrics.text())).toEqual([
      'ftps_gateway_partner_last_login_timestamp_seconds{partner="acme"} 3',
      'ftps_gateway_partner_last_transfer_timestamp_seconds{partner="acme"} 2',
      'ftps_gateway_partner_last_upload_timestamp_seconds{partner="acme"} 1',
      'ftps_gateway_partner_expected_interval_seconds{partner="acme"} 60',
      'ftps_gateway_partner_overdue{partner="acme"} 1',
    ])
    expect(await shown(await metrics.text())).toEqual([
      'ftps_gateway_partner_last_login_timestamp_seconds{partner="acme"} 5',
    ])
  })

  test('are text that Prometheus can read, counters ending in _total and histograms cumulative', async () => {
    tell(opened, login, upload, { kind: 'backendConnection', backend: 'main', outcome: 'ok', seconds: 0.1 })
    const own = (await families()).filter(({ name }) => name.startsWith('ftps_gateway_'))
    expect(own.length).toBeGreaterThan(20)
    for (const { name, type, help, samples } of own) {
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      expect(help).toMatch(/\.$/)
      const buckets = samples.filter(
        (sample) => sample.name.endsWith('_bucket') && sample.labels['direction'] === 'upload',
      )
      for (const [i, bucket] of buckets.entries())
        expect(bucket.value).toBeGreaterThanOrEqual(buckets[i - 1]?.value ?? 0)
    }
  })

  test('have the names that the alert rules ask for, from the start', async () => {
    metrics.declare({ listeners: ['explicit'], partners: ['acme'], backends: ['main'] })
    const partner = 'acme'
    const series: [string, Record<string, string>][] = [
      ['transfers_total', { partner, direction: 'upload', phase: 'gateway', outcome: 'backend_error' }],
      ['transfers_total', { partner, direction: 'download', phase: 'gateway', outcome: 'gateway_error' }],
      ['backend_connect_failures_total', { backend: 'main', reason: 'host_key' }],
      ['data_connections_total', { mode: 'passive', outcome: 'timeout' }],
      ['logins_total', { partner, outcome: 'bad_password' }],
      ['names_lost_total', { partner }],
      ['transfer_records_lost_total', { partner }],
      ['passive_ports_in_use', {}],
      ['passive_ports', {}],
      ['draining', {}],
    ]
    for (const [name, labels] of series) expect([name, await value(name, labels)]).toEqual([name, 0])
    expect(await value('config_last_reload_successful')).toBe(1)
    expect((await families()).map(({ name }) => name)).toContain('nodejs_eventloop_lag_p99_seconds')
  })

  test('follow a session from connect to close', async () => {
    tell(opened, login)
    expect(await value('control_connections', { listener: 'explicit' })).toBe(1)
    expect(await value('control_connections_total', { listener: 'explicit', outcome: 'accepted' })).toBe(1)
    expect(await value('sessions', { partner: 'acme' })).toBe(1)
    tell({ ...login, partner: 'other' })
    expect(await value('sessions', { partner: 'acme' })).toBe(0)
    expect(await value('sessions', { partner: 'other' })).toBe(1)
    tell(closed)
    expect(await value('control_connections', { listener: 'explicit' })).toBe(0)
    expect(await value('sessions', { partner: 'other' })).toBe(0)
    expect(await value('logins_total', { partner: 'acme', outcome: 'ok' })).toBe(1)
  })

  test('count a refused login, and no session for it', async () => {
    tell(opened, { ...login, outcome: 'bad_password' }, closed)
    expect(await value('logins_total', { partner: 'acme', outcome: 'bad_password' })).toBe(1)
    expect(await value('login_duration_seconds_count', { outcome: 'bad_password' })).toBe(1)
    expect(await value('sessions', { partner: 'acme' })).toBe(0)
  })

  test('count names that a client could not be shown', async () => {
    tell({ kind: 'namesLost', session: 's-1', partner: 'acme', charset: 'cp850', names: 3, path: '/' })
    expect(await value('names_lost_total', { partner: 'acme' })).toBe(3)
  })

  test('count transfers that are missing in the transfer log', async () => {
    tell({ kind: 'transferRecordLost', session: 's-1', partner: 'acme', path: '/f', reason: 'ENOSPC' })
    expect(await value('transfer_records_lost_total', { partner: 'acme' })).toBe(1)
  })

  test('count transfers by outcome, their bytes and their time', async () => {
    tell(upload, { ...upload, bytes: 500 }, { ...upload, outcome: 'backend_error', bytes: 7 })
    const labels = { partner: 'acme', direction: 'upload' }
    expect(await value('transfers_total', { ...labels, phase: 'gateway', outcome: 'ok' })).toBe(2)
    expect(await value('transfers_total', { ...labels, phase: 'gateway', outcome: 'backend_error' })).toBe(1)
    expect(await value('transfer_bytes_total', labels)).toBe(2007)
    expect(await value('transfer_size_bytes_bucket', { direction: 'upload', le: '1000' })).toBe(2)
    expect(await value('transfer_duration_seconds_sum', { direction: 'upload' })).toBeCloseTo(0.6)
  })

  test('make a label of known verbs only, and of no name, address or path', async () => {
    const command = { kind: 'command', session: 's-1', argument: '', seconds: 0.01 } as const
    tell(
      { ...command, verb: 'CWD', known: true, family: 'directories', code: 250 },
      { ...command, verb: 'X-EVIL', known: false, code: 500 },
      { ...command, verb: 'GET', known: false, code: 500 },
      login,
      upload,
    )
    expect(await value('commands_total', { command: 'CWD', reply: '2xx' })).toBe(1)
    expect(await value('commands_total', { command: 'other', reply: '5xx' })).toBe(2)
    expect(await value('command_duration_seconds_count', { family: 'other' })).toBe(2)
    expect(await value('command_duration_seconds_count', { family: 'directories' })).toBe(1)
    expect(await metrics.text()).not.toMatch(/EVIL|"GET"|acme-user|203\.0\.113\.9|secret-name/)
  })

  test('count TLS handshakes and data connections', async () => {
    tell(
      { kind: 'tls', session: 's-1', channel: 'control', outcome: 'ok', version: 'TLSv1.3' },
      { kind: 'tls', session: 's-1', channel: 'data', outcome: 'failed', reason: 'no shared cipher' },
      { kind: 'dataConnection', session: 's-1', mode: 'passive', outcome: 'timeout', advertised: '10.1.2.3:50000' },
      { kind: 'passivePorts', inUse: 3, size: 100 },
    )
    expect(await value('tls_handshakes_total', { channel: 'control', version: 'TLSv1.3', outcome: 'ok' })).toBe(1)
    expect(await value('tls_handshakes_total', { channel: 'data', version: 'none', outcome: 'failed' })).toBe(1)
    expect(await value('data_connections_total', { mode: 'passive', outcome: 'timeout' })).toBe(1)
    expect(await value('data_connection_missing_total', { mode: 'passive', cause: 'firewall' })).toBe(0)
    expect(await value('passive_ports_in_use')).toBe(3)
    expect(await value('passive_ports')).toBe(100)
  })

  test('count data connections that did not come, by the cause and by nothing else', async () => {
    const missing = { client: '203.0.113.9', seconds: 60, cause: 'advertised_private', likely: 'words' } as const
    const event = { kind: 'dataConnection', session: 's-1', mode: 'passive', outcome: 'timeout' } as const
    tell({ ...event, advertised: '10.1.2.3:50000', missing }, { ...event, advertised: '10.1.2.3:50001', missing })
    expect(await value('data_connection_missing_total', { mode: 'passive', cause: 'advertised_private' })).toBe(2)
    expect(await value('data_connections_total', { mode: 'passive', outcome: 'timeout' })).toBe(2)
    expect(await metrics.text()).not.toMatch(/10\.1\.2\.3|203\.0\.113\.9/)
  })

  test('show transfers that are under way, and their bytes as they come', async () => {
    let bytes = 0
    const { session, partner, user, address, verb, path, direction } = upload
    const start = { kind: 'transferStarted', session, partner, user, address, verb, path, direction } as const
    const labels = { partner: 'acme', direction: 'upload' }
    tell(opened, login, { ...start, bytes: () => bytes })
    expect(await value('transfers_in_progress', { direction: 'upload' })).toBe(1)
    bytes = 900
    expect(await value('transfer_bytes_total', labels)).toBe(900)
    bytes = 1200
    expect(await value('transfer_bytes_total', labels)).toBe(1200)
    tell(upload)
    expect(await value('transfers_in_progress', { direction: 'upload' })).toBe(0)
    expect(await value('transfer_bytes_total', labels)).toBe(1500)
  })

  test('name no partner that the configuration does not', async () => {
    tell({ ...login, partner: 'somebody' }, { ...upload, partner: 'somebody' })
    expect(await value('logins_total', { partner: 'unknown', outcome: 'ok' })).toBe(1)
    expect(await metrics.text()).not.toContain('somebody')
  })

  test('sum partners up where that is wanted', async () => {
    metrics = createMetrics({ version: '1.2.3', perPartner: false })
    metrics.declare({ listeners: [], partners: ['default', 'acme', 'other'], backends: [] })
    expect(await value('logins_total', { partner: 'all', outcome: 'ok' })).toBe(0)
    const phase = { kind: 'phase', phase: 'notice', wave: 3, cause: 'start' } as const
    tell(login, { ...login, session: 's-2', partner: 'other' }, upload)
    tell({ ...phase, partner: 'acme' }, { ...phase, partner: 'other' })
    expect(await value('logins_total', { partner: 'all', outcome: 'ok' })).toBe(2)
    expect(await value('sessions', { partner: 'all' })).toBe(2)
    expect(await value('partner_info', { partner: 'all', phase: 'notice', wave: '3' })).toBe(2)
    tell({ kind: 'phase', partner: 'other', before: 'notice', cause: 'reload' })
    expect(await value('partner_info', { partner: 'all', phase: 'notice', wave: '3' })).toBe(1)
    expect(await metrics.text()).not.toMatch(/"(acme|other|default)",(outcome|direction|phase)/)
  })

  test('show every closed set of labels as 0 before anything has happened', async () => {
    const series: [string, Record<string, string>][] = [
      ['commands_total', { command: 'STOR', reply: '4xx' }],
      ['commands_total', { command: 'other', reply: '5xx' }],
      ['command_duration_seconds_count', { family: 'transfers' }],
      ['login_duration_seconds_count', { outcome: 'ok' }],
      ['sftp_requests_total', { backend: 'main', operation: 'write', status: 'lost' }],
      ['sftp_request_duration_seconds_count', { backend: 'main', operation: 'posix-rename' }],
      ['backend_connections', { backend: 'main', state: 'idle' }],
      ['backend_reconnects_total', { backend: 'main', outcome: 'failed' }],
      ['transfers_in_progress', { direction: 'listing' }],
      ['unexpected_errors_total', {}],
    ]
    for (const [name, labels] of series) expect([name, await value(name, labels)]).toEqual([name, 0])
    expect(await value('heap_limit_bytes')).toBeGreaterThan(1e8)
  })

  test('know every request of SFTP, and every answer', () => {
    const { init: _init, extended: _extended, ...plain } = request
    const extended = Object.values(extension).map((name) => name.replace('@openssh.com', ''))
    expect([...sftpOperations].sort()).toEqual([...Object.keys(plain), ...extended].sort())
    const answered = Array.from({ length: 32 }, (_, code) => statusName(code))
    expect([...sftpStatuses].sort()).toEqual([...new Set([...answered, 'lost', 'cancelled'])].sort())
  })

  test('tell how a backend answers requests', async () => {
    const sftp = { kind: 'sftpRequest', backend: 'main', seconds: 0.004 } as const
    tell({ ...sftp, operation: 'fsync@openssh.com', status: 'ok' }, { ...sftp, operation: 'open', status: 'failure' })
    expect(await value('sftp_requests_total', { backend: 'main', operation: 'fsync', status: 'ok' })).toBe(1)
    expect(await value('sftp_requests_total', { backend: 'main', operation: 'open', status: 'failure' })).toBe(1)
    const labels = { backend: 'main', operation: 'fsync' }
    expect(await value('sftp_request_duration_seconds_bucket', { ...labels, le: '0.0025' })).toBe(0)
    expect(await value('sftp_request_duration_seconds_bucket', { ...labels, le: '0.005' })).toBe(1)
  })

  test('tell what the connections to a backend are for', async () => {
    const use = { kind: 'backendConnectionUse', backend: 'main' } as const
    const states = async () => [
      await value('backend_connections', { backend: 'main', state: 'in_use' }),
      await value('backend_connections', { backend: 'main', state: 'idle' }),
    ]
    tell({ ...use, after: 'in_use' }, { ...use, after: 'in_use' }, { ...use, before: 'in_use', after: 'idle' })
    expect(await states()).toEqual([1, 1])
    tell({ ...use, before: 'idle' }, { ...use, before: 'in_use' })
    expect(await states()).toEqual([0, 0])
  })

  test('count mistakes of the gateway itself', async () => {
    tell({ kind: 'bug', error: new Error('unforeseen') })
    expect(await value('unexpected_errors_total')).toBe(1)
  })

  test('warn of the certificate of a listener that ends first', async () => {
    const about = { kind: 'certificate', listener: 'explicit', selfMade: false, fingerprint: 'f' } as const
    tell({ ...about, notAfter: new Date(1e12), later: false }, { ...about, notAfter: new Date(2e12), later: true })
    expect(await value('tls_certificate_not_after_timestamp_seconds', { listener: 'explicit' })).toBe(1e9)
  })

  test('tell of the backends', async () => {
    tell(
      { kind: 'backendConnection', backend: 'main', outcome: 'host_key', seconds: 0.1 },
      { kind: 'backendConnection', backend: 'main', outcome: 'ok', seconds: 0.1 },
      { kind: 'backendUp', backend: 'main', up: true },
    )
    expect(await value('backend_connect_failures_total', { backend: 'main', reason: 'host_key' })).toBe(1)
    expect(await value('backend_connect_duration_seconds_count', { backend: 'main' })).toBe(1)
    expect(await value('backend_up', { backend: 'main' })).toBe(1)
    tell({ kind: 'backendUp', backend: 'main', up: false })
    expect(await value('backend_up', { backend: 'main' })).toBe(0)
  })

  test('tell of the gateway itself', async () => {
    const notAfter = new Date('2027-01-01T00:00:00Z')
    tell(
      { kind: 'started', version: '1.2.3', sshCrypto: 'js' },
      { kind: 'certificate', listener: 'explicit', selfMade: false, fingerprint: 'SHA256 …', notAfter },
      { kind: 'reloaded', ok: false, problems: ['x'] },
      { kind: 'draining', sessions: 2 },
    )
    const build = { version: '1.2.3', revision: 'unknown', node_version: process.version, ssh_crypto: 'js' }
    expect(await value('build_info', build)).toBe(1)
    expect(await value('tls_certificate_not_after_timestamp_seconds', { listener: 'explicit' })).toBe(1798761600)
    expect(await value('config_last_reload_successful')).toBe(0)
    expect(await value('draining')).toBe(1)
    tell({ kind: 'reloaded', ok: true, problems: [] })
    expect(await value('config_last_reload_successful')).toBe(1)
  })

  test('of two gateways in one process do not mix', async () => {
    const other = createMetrics({ version: '1.2.3' })
    tell(upload)
    expect(await metrics.text()).toContain('acme')
    expect(await other.text()).not.toContain('acme')
  })
})

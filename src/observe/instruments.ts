import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

const loginSeconds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const commandSeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30]
const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30]
const transferSeconds = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 7200]
const transferBytes = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11]

export type Instruments = ReturnType<typeof defineInstruments>

/**
 * Every metric of the gateway, by its name after `ftps_gateway_`; what Node tells of itself is in `process-metrics.ts`. Labels have few values: partners, backends and
 * listeners come from the configuration, the rest are closed sets; users, addresses and paths are never labels.
 */
export function defineInstruments(registry: Registry) {
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `ftps_gateway_${name}`, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name: `ftps_gateway_${name}`, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ name: `ftps_gateway_${name}`, help, labelNames, buckets, registers })

  return {
    buildInfo: gauge('build_info', 'Always 1; the labels say what runs.', [
      'version',
      'revision',
      'node_version',
      'ssh_crypto',
    ]),
    draining: gauge('draining', '1 while the gateway stops and takes no new logins.', []),
    unexpectedErrors: counter(
      'unexpected_errors_total',
      'Mistakes of the gateway itself; the log has them as bug.',
      [],
    ),
    heapLimit: gauge('heap_limit_bytes', 'Heap at which Node gives up.', []),
    reloadSuccessful: gauge('config_last_reload_successful', '0 when the newest configuration was refused.', []),
    reloadTime: gauge(
      'config_last_reload_success_timestamp_seconds',
      'When the configuration in force was taken over.',
      [],
    ),
    certificateNotAfter: gauge(
      'tls_certificate_not_after_timestamp_seconds',
      'When the first of the certificates of a listener expires.',
      ['listener'],
    ),

    controlConnections: gauge('control_connections', 'Open control connections.', ['listener']),
    controlConnectionsTotal: counter('control_connections_total', 'Control connections by what became of them.', [
      'listener',
      'outcome',
    ]),
    sessions: gauge('sessions', 'Sessions that are logged in.', ['partner']),
    logins: counter('logins_total', 'Login attempts.', ['partner', 'outcome']),
    loginSeconds: histogram('login_duration_seconds', 'From PASS to its reply.', ['outcome'], loginSeconds),
    partnerInfo: gauge('partner_info', 'Always 1; the labels say how far the move of a partner is.', [
      'partner',
      'phase',
      'wave',
    ]),
    brownoutRefusals: counter(
      'brownout_refusals_total',
      'Logins that were refused in a brownout although their password was right.',
      ['partner'],
    ),
    brownoutActive: gauge('brownout_active', '1 while a brownout window of the partner is open and not paused.', [
      'partner',
    ]),
    partnerSunset: gauge(
      'partner_sunset_timestamp_seconds',
      'When FTPS ends for the partner, by the dates and holds of its file.',
      ['partner'],
    ),
    tlsHandshakes: counter('tls_handshakes_total', 'TLS handshakes with clients.', ['channel', 'version', 'outcome']),
    commands: counter('commands_total', 'Commands by verb (unknown ones: other) and class of the reply.', [
      'command',
      'reply',
    ]),
    commandSeconds: histogram(
      'command_duration_seconds',
      'From a command to its final reply, by the kind of command.',
      ['family'],
      commandSeconds,
    ),

    dataConnections: counter('data_connections_total', 'Data connections, asked for or opened.', ['mode', 'outcome']),
    dataMissing: counter(
      'data_connection_missing_total',
      'Data connections that did not come about, by the likely cause.',
      ['mode', 'cause'],
    ),
    passivePorts: gauge('passive_ports', 'Size of the passive port range.', []),
    passivePortsInUse: gauge('passive_ports_in_use', 'Passive ports that wait for their data connection.', []),
    transfersInProgress: gauge('transfers_in_progress', 'Transfers that are under way.', ['direction']),
    transfers: counter('transfers_total', 'Finished transfers.', ['partner', 'direction', 'phase', 'outcome']),
    transferBytes: counter('transfer_bytes_total', 'Bytes on data connections, without TLS.', ['partner', 'direction']),
    transferSeconds: histogram(
      'transfer_duration_seconds',
      'From the 150 mark to the final reply.',
      ['direction'],
      transferSeconds,
    ),
    transferSize: histogram('transfer_size_bytes', 'Bytes of one transfer.', ['direction'], transferBytes),
    recordsLost: counter('transfer_records_lost_total', 'Transfers that are missing in the transfer log.', ['partner']),

    partnerLastLogin: gauge('partner_last_login_timestamp_seconds', 'Newest login by FTP, of 60 days.', ['partner']),
    partnerLastTransfer: gauge(
      'partner_last_transfer_timestamp_seconds',
      'Newest file that came or went by FTP, of 60 days.',
      ['partner'],
    ),
    partnerLastUpload: gauge('partner_last_upload_timestamp_seconds', 'Newest file that came by FTP, of 60 days.', [
      'partner',
    ]),
    partnerExpected: gauge(
      'partner_expected_interval_seconds',
      'How often an upload is expected, where the partner has expect.upload.every.',
      ['partner'],
    ),
    partnerOverdue: gauge(
      'partner_overdue',
      '1 when an upload that is expected has not come, weekends counted as set.',
      ['partner'],
    ),

    namesLost: counter(
      'names_lost_total',
      'Names shown with ? because the charset of the client has not all of them.',
      ['partner'],
    ),

    backendUp: gauge('backend_up', '1 when the newest connection or probe succeeded.', ['backend']),
    backendPreflight: gauge('backend_preflight_ok', '1 when uploads worked as they were tried out at start.', [
      'backend',
    ]),
    backendReconnects: counter(
      'backend_reconnects_total',
      'Backends that were lost during a transfer, and whether it went on.',
      ['backend', 'outcome'],
    ),
    backendConnections: gauge(
      'backend_connections',
      'SSH connections to a backend: used by logins, or kept for the next.',
      ['backend', 'state'],
    ),
    sftpRequests: counter('sftp_requests_total', 'Requests to a backend by what it answered.', [
      'backend',
      'operation',
      'status',
    ]),
    sftpSeconds: histogram(
      'sftp_request_duration_seconds',
      'From a request to its answer; many are under way at a time.',
      ['backend', 'operation'],
      requestSeconds,
    ),
    backendFailures: counter('backend_connect_failures_total', 'Connections to a backend that failed.', [
      'backend',
      'reason',
    ]),
    backendSeconds: histogram(
      'backend_connect_duration_seconds',
      'From connect to the end of the SSH login, successful ones.',
      ['backend'],
      loginSeconds,
    ),
  }
}

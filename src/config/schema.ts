import * as kinds from './kinds.ts'
import { later, listOf, listOfTables, optional, preset, required, secret, table, tableOrOff } from './table.ts'

/** The globals. Every key is explained in config/gateway.yaml, where a test looks for it. */
export const gatewaySchema = {
  version: optional(kinds.oneOf(['1'])),
  backends: listOfTables({
    name: required(kinds.label),
    type: preset(kinds.oneOf(['sftp'], ['ftps']), 'sftp'),
    host: required(kinds.host),
    port: preset(kinds.port, '22'),
    hostKeys: listOf(kinds.fingerprint),
    knownHosts: optional(kinds.path),
    timeouts: table({
      connect: preset(kinds.duration(1), '10s'),
      login: preset(kinds.duration(1), '45s'),
      request: preset(kinds.duration(1), '60s'),
      close: preset(kinds.duration(1), '5m'),
    }),
    health: table({
      every: preset(kinds.duration(1000), '30s'),
      timeout: preset(kinds.duration(1), '5s'),
    }),
    stripe: preset(kinds.whole(1, 16), '1'),
    pool: table({
      connections: preset(kinds.whole(1, 100), '4'),
      idle: preset(kinds.duration(0), '60s'),
    }),
    tls: later,
  }),
  defaults: table({
    backend: optional(kinds.label),
    legacy: later,
    limits: later,
  }),
  partners: optional(kinds.path),
  listeners: listOfTables({
    name: required(kinds.label),
    address: preset(kinds.address, '::'),
    port: optional(kinds.listenPort),
    tls: preset(kinds.oneOf(['explicit', 'implicit', 'off']), 'explicit'),
    requireTls: optional(kinds.truth),
    proxyProtocol: later,
    sessionReuse: later,
  }),
  passive: table({
    ports: preset(kinds.portRange, '50000-51000'),
    advertise: preset(kinds.advertise, 'auto'),
    slice: later,
    advertiseFor: later,
    peerMustMatch: later,
    proxyProtocol: later,
  }),
  tls: table({
    certificates: listOfTables({ cert: required(kinds.path), key: required(kinds.path) }),
    minVersion: preset(kinds.oneOf(['TLSv1.2', 'TLSv1.3']), 'TLSv1.2'),
    sessionReuse: preset(kinds.oneOf(['prefer', 'require', 'off']), 'prefer'),
  }),
  upload: table({
    endOfData: preset(kinds.oneOf(['require', 'warn']), 'require'),
    fsync: preset(kinds.oneOf(['auto', 'off']), 'auto'),
    mode: later,
    verify: later,
    keepPartial: later,
  }),
  limits: table({
    sessions: preset(kinds.whole(1, 100_000), '1000'),
    sessionsPerAddress: preset(kinds.whole(1, 100_000), '50'),
    loginAttempts: preset(kinds.whole(1, 100), '3'),
    bytesInFlightPerTransfer: preset(kinds.size, '16MiB'),
    bytesInFlight: preset(kinds.size, '256MiB'),
  }),
  timeouts: table({
    login: preset(kinds.duration(1), '60s'),
    idle: preset(kinds.duration(1), '15m'),
    handshake: preset(kinds.duration(1), '30s'),
    dataConnect: preset(kinds.duration(1), '60s'),
    dataStall: preset(kinds.duration(1), '5m'),
  }),
  admin: tableOrOff({
    address: preset(kinds.address, '127.0.0.1'),
    port: preset(kinds.listenPort, '9464'),
    tokenFile: later,
  }),
  logging: table({
    level: preset(kinds.oneOf(['trace', 'debug', 'info', 'warn', 'error']), 'info'),
    format: preset(kinds.oneOf(['auto', 'pretty', 'json']), 'auto'),
    transferLog: later,
    audit: later,
  }),
  state: table({ directory: optional(kinds.path) }),
  shutdown: table({ drain: preset(kinds.duration(0), '15m') }),
  migration: later,
}

/** One partner. Every key is explained in config/partners.d/acme.yaml. */
export const partnerSchema = {
  name: required(kinds.label),
  match: table({ users: listOf(kinds.userName), sources: later }),
  auth: table({
    mode: preset(kinds.oneOf(['passthrough', 'local'], ['learn', 'certificate']), 'passthrough'),
    username: optional(kinds.userName),
    passwordHash: secret(kinds.passwordHash),
    sftp: table({
      username: optional(kinds.userName),
      privateKey: optional(kinds.path),
      passphrase: secret(kinds.secretText),
      password: secret(kinds.secretText),
    }),
    publicKeys: later,
  }),
  backend: optional(kinds.label),
  root: optional(kinds.root),
  phase: optional(kinds.oneOf(['gateway'], ['legacy', 'notice', 'brownout', 'retired', 'auto'])),
  title: later,
  wave: later,
  owner: later,
  paths: later,
  storage: later,
  timeline: later,
  hold: later,
  brownout: later,
  shadow: later,
  expect: later,
  upload: later,
  limits: later,
}

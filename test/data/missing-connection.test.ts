import { expect, test } from 'vitest'
import { diagnose, type Missing } from '../../src/data/missing-connection.ts'

const usual: Missing = {
  command: 'PASV',
  failure: 'timeout',
  reason: 'no connection from 198.51.100.7 in 60000 ms',
  host: '203.0.113.9',
  port: 50_017,
  client: '198.51.100.7',
  stranger: undefined,
  before: 'none',
}

/** What is known, in words; how it differs from the usual; the cause, and what the operator reads. */
const cases: readonly [string, Partial<Missing>, string, RegExp][] = [
  ['nothing came', {}, 'firewall', /^nothing came to port 50017: a firewall .* passive\.ports/],
  ['nothing came, EPSV', { command: 'EPSV', host: '10.0.0.5' }, 'firewall', /^nothing came to port 50017/],
  ['nothing came, again', { before: 'missing' }, 'firewall_again', /the one before did not come either/],
  ['nothing came after one that did', { before: 'came' }, 'client_silent', /the way is open: the client gave up/],
  ['the client gave up waiting', { failure: 'aborted', reason: 'closed' }, 'firewall', /^nothing came/],
  [
    'another address came',
    { stranger: '198.51.100.8' },
    'peer_mismatch',
    /^198\.51\.100\.8 came in its place.*peerMustMatch: any/,
  ],
  ['another came to a private address', { stranger: '192.0.2.1', host: '10.0.0.5' }, 'peer_mismatch', /^192\.0\.2\.1/],
  [
    'told a private address',
    { host: '10.0.0.5' },
    'advertised_private',
    /^10\.0\.0\.5 is private .* passive\.advertise/,
  ],
  ['told it again', { host: '10.0.0.5', before: 'missing' }, 'advertised_private', /^10\.0\.0\.5 is private/],
  ['private, and so is the client', { host: '10.0.0.5', client: '10.0.0.9' }, 'firewall', /^nothing came/],
  [
    'told an outer address inside',
    { client: '10.0.0.9' },
    'advertised_public',
    /^203\.0\.113\.9 .* passive\.advertiseFor/,
  ],
  [
    'no port',
    { failure: 'noPort', reason: 'none free, 10 in use' },
    'ports_exhausted',
    /none free, 10 .*passive\.ports/,
  ],
  [
    'plaintext in place of TLS',
    { failure: 'tls', reason: 'TLS handshake: wrong version number' },
    'plain_client',
    /no TLS/,
  ],
  ['silence in place of TLS', { failure: 'tls', reason: 'no TLS handshake within 30000 ms' }, 'plain_client', /PROT P/],
  ['TLS broken off', { failure: 'tls', reason: 'TLS handshake: unknown ca' }, 'tls_failed', /unknown ca.*certificate/],
  ['no reuse', { failure: 'notResumed', reason: '' }, 'not_resumed', /tls\.sessionReuse: prefer/],
  [
    'active, refused',
    { command: 'PORT', failure: 'refused', reason: 'connect ECONNREFUSED 198.51.100.7:5000' },
    'client_refuses',
    /refuses: NAT or a firewall on its side .* passive mode/,
  ],
  [
    'active, no route',
    { command: 'PORT', failure: 'refused', reason: 'connect EHOSTUNREACH 10.0.0.9:5000', client: '10.0.0.9' },
    'client_unreachable',
    /EHOSTUNREACH.*: a firewall on its side/,
  ],
  ['active, no answer', { command: 'PORT', reason: 'no answer' }, 'client_unreachable', /no answer.*NAT.*passive mode/],
  [
    'active, private address',
    { command: 'PORT', failure: 'foreignAddress', host: '192.168.1.5', port: 5000 },
    'foreign_address',
    /^192\.168\.1\.5 is its address behind NAT: active\.privateAddress: rewrite/,
  ],
  [
    'active, another host',
    { command: 'PORT', failure: 'foreignAddress', host: '192.0.2.66', port: 5000 },
    'foreign_address',
    /^192\.0\.2\.66 is another host: .* attack/,
  ],
  [
    'active, system port',
    { command: 'PORT', failure: 'foreignAddress', host: '198.51.100.7', port: 25 },
    'foreign_address',
    /^port 25 is not one/,
  ],
]

test.each(cases)('%s', (_what, changes, cause, likely) => {
  const diagnosis = diagnose({ ...usual, ...changes })
  expect(diagnosis.cause).toBe(cause)
  expect(diagnosis.likely).toMatch(likely)
})

test('no hint says more than the client knows', () => {
  const secrets = { reason: 'secret-reason', stranger: '192.0.2.200', host: '10.0.0.5' }
  for (const [, changes] of cases) {
    const { hint } = diagnose({ ...usual, ...changes, ...secrets })
    expect(hint).not.toMatch(/secret-reason|192\.0\.2\.200|passive\.|active\.|tls\./)
    expect(hint).not.toMatch(/[\r\n]/)
  }
})

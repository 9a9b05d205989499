import { expect, test } from 'vitest'
import { BackendError } from '../../../src/backend/backend.ts'
import { type Capabilities, readAhead, receiveWindow, unknownServer } from '../../../src/backend/sftp/capabilities.ts'
import { SftpStatusError } from '../../../src/backend/sftp/failures.ts'
import { quirkOf, quirks } from '../../../src/backend/sftp/quirks.ts'
import { LearnedCapabilities, type Offer, type Server } from '../../../src/backend/sftp/server.ts'
import { extension } from '../../../src/backend/sftp/wire.ts'

function offer(names: readonly string[], packetSize = 32 * 1024): Offer {
  return { extensions: new Map(names.map((name) => [name, '1'])), packetSize }
}

/** Teaches a server the limits that it tells. */
async function tellLimits(server: Server, limits: { read: number; write: number }): Promise<void> {
  await server.askLimits({
    offers: () => true,
    limits: async () => ({ packet: 0, handles: 0, ...limits }),
  })
}

const all = 255 * 1024
const openSsh: Partial<Capabilities> = {
  readBytes: all,
  writeBytes: all,
  answersInOrder: true,
  pipelinedReaddir: 16,
  stripes: true,
}
const proven = { pipelinedReaddir: 2 }
const go = { readBytes: 32 * 1024, answersInOrder: true, pipelinedReaddir: 2 }

/** Banners as servers send them, behind `SSH-2.0-`, and what differs from a server that nobody has heard of. */
const banners: readonly [string, string | undefined, Partial<Capabilities>][] = [
  ['OpenSSH_9.2p1 Debian-2+deb12u3', 'OpenSSH', openSsh],
  ['OpenSSH_for_Windows_9.5', 'OpenSSH for Windows', { ...openSsh, stripes: false }],
  ['dropbear_2022.83', 'Dropbear', openSsh],
  ['ftps-gateway-demo', 'ftps-gateway demo', { answersInOrder: true, pipelinedReaddir: 16 }],
  ['mod_sftp/0.9.8', 'ProFTPD mod_sftp', { answersInOrder: true, ...proven }],
  ['mod_sftp', 'ProFTPD mod_sftp', { answersInOrder: true, ...proven }],
  ['SFTPGo_2.5.6', 'SFTPGo', go],
  ['rclone/v1.66.0', 'rclone serve sftp', { ...go, channels: 1 }],
  ['Go', 'Go x/crypto (pkg/sftp)', go],
  ['5.25 FlowSsh: Bitvise SSH Server (WinSSHD) 6.07: free only for personal use', 'Bitvise', proven],
  ['srtSSHServer_10.00', 'Titan (srtSSHServer)', proven],
  ['CerberusFTPServer_11.0', 'Cerberus', {}],
  ['Serv-U_15.1', 'Serv-U', proven],
  ['WS_FTP-SSH_7.7', 'WS_FTP', proven],
  ['1.36_sshlib GlobalSCAPE', 'GlobalSCAPE EFT', { window: 'small', readBytes: 16 * 1024, writeBytes: 16 * 1024 }],
  [
    '1.77 sshlib: Momentum SSH Server',
    'Momentum',
    { window: 'small', readBytes: 32 * 1024 - 64, writeBytes: 32 * 1024 - 64 },
  ],
  ['CompleteFTP_12.1.3', 'CompleteFTP', proven],
  ['CoreFTP-0.3.3', 'CoreFTP', proven],
  ['SSHD-CORE-0.11.0', 'Apache MINA SSHD', { readBytes: 63 * 1024, pipelinedReaddir: 2 }],
  ['APACHE-SSHD-2.4.0', 'Apache MINA SSHD', { readBytes: 63 * 1024, pipelinedReaddir: 2 }],
  ['Syncplify.me', 'Syncplify', proven],
  ['zFTPServer', 'zFTPServer', proven],
  ['3.2.0 SSH OpenVMS V5.5', 'OpenVMS', {}],
  ['AWS_SFTP_1.2', 'AWS Transfer Family', {}],
  ['AzureSSH_1.0.0', 'Azure Blob Storage', { writeBytes: all }],
  ['CrushFTPSSHD', 'CrushFTP', {}],
  ['FILES.COM', 'files.com', {}],
  ['MOVEit', 'MOVEit, GoAnywhere, JSCAPE', {}],
  ['Erlang/4.15.3', 'Erlang ssh_sftpd', { symlink: 'linkFirst' }],
  ['paramiko_2.12.0', 'Paramiko', {}],
  ['AsyncSSH_2.14.2', 'AsyncSSH', { symlink: 'linkFirst' }],
  ['Cisco-1.25', 'Cisco', {}],
  ['Google', 'Google', {}],
  ['NobodyKnows_1.0', undefined, {}],
  ['NotOpenSSH_9.2', undefined, {}],
  ['', undefined, {}],
]

test.each(banners)('the banner %j is of %s', (banner, name, differences) => {
  expect(quirkOf(banner)?.name).toBe(name)
  const { can } = new LearnedCapabilities().server(banner)
  expect(can).toEqual({ ...unknownServer, ...differences })
})

test('every row of the table says why, and is met by a banner above', () => {
  const met = new Set(banners.map(([, name]) => name))
  const notMet = quirks.filter(({ name, why }) => why === '' || !met.has(name))
  expect(notMet).toEqual([])
})

test('an unknown server is asked for nothing that could make it stumble', () => {
  const { can } = new LearnedCapabilities().server('NobodyKnows_1.0', offer([]))
  expect(can).toEqual({
    readBytes: 32768,
    writeBytes: 32768 - 29,
    answersInOrder: false,
    pipelinedReaddir: 1,
    channels: 8,
    window: 'large',
    stripes: false,
    rename: 'swap',
    setModified: 'ok',
    setMode: 'ok',
    symlink: 'targetFirst',
    fsync: false,
    sizeAfterUpload: 'check',
    readOnce: false,
    keepalive: 'ssh',
  })
})

test('a WRITE fits into one packet of a server with small ones', () => {
  const { can } = new LearnedCapabilities().server('NobodyKnows_1.0', offer([], 16 * 1024))
  expect(can.writeBytes).toBe(16 * 1024 - 29)
})

test('what the server offers counts more than its name', async () => {
  const server = new LearnedCapabilities().server('Erlang/4.15', offer([extension.posixRename, extension.fsync]))
  await tellLimits(server, { read: 100_000, write: 50_000 })
  expect(server.can).toMatchObject({ rename: 'posix', fsync: true, readBytes: 100_000, writeBytes: 50_000 })
})

test('limits are clamped to what the gateway takes, and 0 is no limit', async () => {
  const large = new LearnedCapabilities().server('A', offer([extension.limits]))
  await tellLimits(large, { read: 2 ** 40, write: 2 ** 40 })
  expect(large.can).toMatchObject({ readBytes: all, writeBytes: all })
  const none = new LearnedCapabilities().server('A', offer([extension.limits]))
  await tellLimits(none, { read: 0, write: 0 })
  expect(none.can).toMatchObject({ readBytes: 32768, writeBytes: 32768 - 29 })
})

test('what answers taught counts more than what was offered, on every connection to this server', () => {
  const learned = new LearnedCapabilities()
  const one = learned.server('OpenSSH_9.2', offer([extension.posixRename]))
  const other = learned.server('OpenSSH_9.2', offer([extension.posixRename]))
  expect(other.can).toMatchObject({ rename: 'posix', readBytes: all })
  one.learn({ rename: 'swap', readBytes: 4096 })
  one.learn({ setMode: 'ignore', channels: 3 })
  expect(other.can).toMatchObject({ rename: 'swap', readBytes: 4096, setMode: 'ignore', channels: 3 })
})

test('the operator has the last word', async () => {
  const learned = new LearnedCapabilities({ rename: 'plain', readBytes: 8192, pipelinedReaddir: 1 })
  const server = learned.server('OpenSSH_9.2', offer([extension.posixRename, extension.limits]))
  await tellLimits(server, { read: 100_000, write: 50_000 })
  server.learn({ rename: 'swap', readBytes: 4096 })
  expect(server.can).toMatchObject({ rename: 'plain', readBytes: 8192, writeBytes: 50_000, pipelinedReaddir: 1 })
})

test('the keep-alive is known before the banner', () => {
  expect(new LearnedCapabilities().beforeBanner.keepalive).toBe('ssh')
  expect(new LearnedCapabilities({ keepalive: 'off' }).beforeBanner.keepalive).toBe('off')
})

test('another banner is another server: what the old one taught is forgotten', () => {
  const learned = new LearnedCapabilities()
  const old = learned.server('OpenSSH_9.2')
  old.learn({ channels: 2 })
  const fresh = learned.server('OpenSSH_9.9')
  old.learn({ channels: 1 })
  expect(fresh.can.channels).toBe(8)
  expect(old.can.channels).toBe(1)
})

test('limits are asked for once, and only where they are offered', async () => {
  const learned = new LearnedCapabilities()
  let asked = 0
  const client = (offered: boolean) => ({
    offers: () => offered,
    limits: async () => {
      asked++
      return { packet: 0, read: 65536, write: 65536, handles: 0 }
    },
  })
  await learned.server('A').askLimits(client(false))
  expect(asked).toBe(0)
  await learned.server('A').askLimits(client(true))
  const next = learned.server('A')
  await next.askLimits(client(true))
  expect([asked, next.can.readBytes]).toEqual([1, 65536])
})

test('limits that are not told are no limits; a lost connection is an error', async () => {
  const failing = (error: Error) => ({ offers: () => true, limits: () => Promise.reject(error) })
  const server = new LearnedCapabilities().server('A')
  await server.askLimits(failing(new SftpStatusError(8, 'limits', '')))
  expect(server.can.readBytes).toBe(32768)
  await expect(server.askLimits(failing(new BackendError('unavailable', 'lost')))).rejects.toThrow('lost')
})

test('a record cannot be changed', () => {
  const { can } = new LearnedCapabilities().server('A')
  expect(Object.isFrozen(can)).toBe(true)
})

test('where the window stays small, no more is asked for than it holds', () => {
  const megabyte = 1024 * 1024
  const large = unknownServer
  const small = { ...unknownServer, window: 'small' as const }
  expect([receiveWindow(large, 16 * megabyte), readAhead(large, 16 * megabyte)]).toEqual([32 * megabyte, 16 * megabyte])
  expect([receiveWindow(small, 16 * megabyte), readAhead(small, 16 * megabyte)]).toEqual([2 * megabyte, megabyte])
})

test('no pattern takes long for a banner made to be slow', () => {
  const banner = '1'.repeat(100_000)
  // Patterns see 255 characters; each has one bounded repetition at most, which a quadratic one would not be.
  for (const { banner: pattern } of quirks) expect(pattern.source).toMatch(/^\^[^*+]*$/)
  expect(quirkOf(banner)).toBeUndefined()
})

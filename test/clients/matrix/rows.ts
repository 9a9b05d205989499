import { basicFtp } from '../basic-ftp.ts'
import type { Client } from '../client.ts'
import { curl } from '../curl.ts'
import { ftplib } from '../ftplib.ts'
import { lftp } from '../lftp.ts'
import type { Deed } from './cell.ts'
import { busybox, rclone, wget } from './commands.ts'
import { bsdClient, ncftp } from './interactive.ts'
import { onlyTlsOf } from './openssl-config.ts'
import { programClient, programFile } from './program.ts'
import { sClient } from './s-client.ts'
import type { Mode, WayName } from './way.ts'

/** A client, and what it has no feature for: each of those cells is declared with its reason, all others have to work. */
export interface Row {
  readonly client: Client
  /** Where it comes from. */
  readonly from: string
  /** How it comes by IPv6. */
  readonly best: Mode
  /** How it comes in active mode by IPv6, if it is not that. */
  readonly bestActive?: Mode
  /** What its partner file says of its dialect. */
  readonly partner?: Readonly<Record<string, unknown>>
  readonly cannot?: Readonly<Partial<Record<WayName, string>>>
  readonly lacks?: Readonly<Partial<Record<Deed, string>>>
}

function without(names: readonly WayName[], reason: string): Partial<Record<WayName, string>> {
  return Object.fromEntries(names.map((name) => [name, reason]))
}

function lacking(names: readonly Deed[], reason: string): Partial<Record<Deed, string>> {
  return Object.fromEntries(names.map((name) => [name, reason]))
}

const explicitWays = ['explicit, TLS 1.2', 'explicit, TLS 1.3'] as const
const implicitWays = ['implicit, TLS 1.2', 'implicit, TLS 1.3'] as const
const activeWithTls = ['active, TLS 1.2', 'active, TLS 1.3'] as const
const activeWays = ['plain, active', ...activeWithTls, 'IPv6, active'] as const
const noTls = (reason: string) => without([...explicitWays, ...implicitWays, ...activeWithTls], reason)
const changes = ['rename', 'delete', 'mkdir', 'rmdir'] as const

/** `commonsNet` starts its program, which the set-up of the test has compiled. */
export function matrixRows(commonsNet: readonly string[]): readonly Row[] {
  return [
    {
      client: curl,
      from: '`curl`',
      best: 'explicit',
      bestActive: 'off',
      cannot: without(activeWithTls, 'curl 7.88 sends its data without TLS; mended in curl 8.0'),
    },
    {
      client: lftp,
      from: '`lftp`',
      best: 'explicit',
      cannot: without(['IPv6, active'], 'its EPRT names the address `::`, and it goes on in passive mode'),
    },
    {
      client: wget,
      from: '`wget`',
      best: 'explicit',
      lacks: lacking(['upload', 'upload of an empty file', ...changes], 'it only downloads'),
    },
    { client: ftplib('Python ftplib', false), from: '`python3`', best: 'explicit' },
    {
      client: ftplib('Python ftplib, session reuse', true),
      from: '`python3`, `ntransfercmd` overridden',
      best: 'explicit',
    },
    {
      client: basicFtp,
      from: 'npm',
      best: 'explicit',
      cannot: without(activeWays, 'it has passive mode only'),
      lacks: lacking(
        ['upload of an empty file'],
        'it may end the data connection before the TLS handshake is done, which the gateway answers with an error',
      ),
    },
    {
      client: programClient('Apache Commons Net', commonsNet),
      from: '`libcommons-net-java`, JSSE',
      best: 'explicit',
    },
    {
      client: programClient('Ruby Net::FTP', ['ruby', programFile('net-ftp.rb')]),
      from: '`ruby`',
      best: 'explicit',
      cannot: without(implicitWays, 'the release of the standard library has no implicit TLS'),
    },
    {
      client: programClient('Perl Net::FTP', ['perl', programFile('net-ftp.pl')]),
      from: '`perl`, `libio-socket-ssl-perl`',
      best: 'explicit',
    },
    {
      client: programClient('PHP ftp', ['php', programFile('ext-ftp.php')], onlyTlsOf),
      from: '`php-cli`',
      best: 'explicit',
      cannot: without(implicitWays, '`ftp_ssl_connect` is explicit TLS'),
    },
    {
      client: programClient('Erlang/OTP ftp', ['escript', programFile('otp-ftp.escript')]),
      from: '`erlang-ftp`',
      best: 'explicit',
    },
    {
      client: programClient('aioftp', ['/usr/bin/python3', programFile('aioftp-client.py')]),
      from: '`python3-aioftp`',
      best: 'off',
      cannot: {
        ...without(activeWays, 'it has passive mode only'),
        ...without([...explicitWays, ...activeWithTls], 'the release has no explicit TLS'),
        ...without(
          implicitWays,
          'it waits for the TLS handshake of a data connection before it sends the command that says what it is for',
        ),
      },
    },
    {
      client: rclone,
      from: '`rclone`, Go',
      best: 'explicit',
      cannot: without(activeWays, 'it has passive mode only'),
    },
    {
      client: sClient,
      from: '`openssl`, by hand',
      best: 'explicit',
      cannot: {
        ...without(['plain'], 'it is a TLS client'),
        ...without(activeWays, 's_client connects, and takes no connections'),
      },
    },
    {
      client: bsdClient('ftp-ssl', ({ mode, data, certificate }) => [
        ...(data === 'passive' ? ['-p'] : []),
        ...(mode === 'off' ? ['-z', 'nossl'] : ['-z', 'secure', '-z', 'verify=1', '-z', `cacert=${certificate}`]),
      ]),
      from: '`ftp-ssl`, `upload.endOfData: warn`',
      best: 'explicit',
      // It never sends a close_notify.
      partner: { upload: { endOfData: 'warn' } },
      cannot: without(implicitWays, 'it has explicit TLS only'),
    },
    {
      client: bsdClient('tnftp', ({ data }) => [data === 'passive' ? '-p' : '-A']),
      from: '`tnftp`',
      best: 'off',
      cannot: noTls('it has no FTPS'),
    },
    {
      client: bsdClient('inetutils-ftp', ({ data }) => (data === 'passive' ? ['-p'] : ['-A'])),
      from: '`inetutils-ftp`',
      best: 'off',
      cannot: noTls('it has no FTPS'),
    },
    {
      client: ncftp,
      from: '`ncftp`',
      best: 'off',
      cannot: { ...noTls('it has no FTPS'), ...without(['IPv6', 'IPv6, active'], 'it has no IPv6') },
    },
    {
      client: programClient('Tcllib ftp', ['tclsh', programFile('tcllib-ftp.tcl')]),
      from: '`tcllib`',
      best: 'off',
      cannot: { ...noTls('the release has no FTPS'), ...without(['IPv6', 'IPv6, active'], 'it has no EPSV and EPRT') },
    },
    {
      client: busybox,
      from: '`busybox`',
      best: 'off',
      cannot: { ...noTls('it has no FTPS'), ...without(['plain, active', 'IPv6, active'], 'it has passive mode only') },
      lacks: lacking(['list', ...changes], 'ftpget and ftpput do one thing each'),
    },
  ]
}

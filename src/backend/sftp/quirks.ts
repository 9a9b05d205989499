import type { Capabilities } from './capabilities.ts'
import { requestBytesMax } from './wire.ts'

/** What is known of a product by the name it greets with. */
export interface Quirk {
  readonly name: string
  /** The version and comment of the SSH banner, behind `SSH-2.0-`. Anchored, without nested repetition. */
  readonly banner: RegExp
  /** `keepalive` is decided before the banner is known. */
  readonly overrides: Partial<Omit<Capabilities, 'keepalive'>>
  /** Why, and who says so. What nobody has verified stays as for an unknown server. */
  readonly why: string
}

/** WinSCP keeps two READDIRs under way on every server (SFTPListingQueue), so these have borne it for many years. */
const asWinScp = { pipelinedReaddir: 2 } as const

/** The first row that fits counts. */
export const quirks: readonly Quirk[] = [
  {
    name: 'OpenSSH for Windows',
    banner: /^OpenSSH_for_Windows/,
    overrides: { readBytes: requestBytesMax, writeBytes: requestBytesMax, answersInOrder: true, pipelinedReaddir: 16 },
    why: 'sftp-server.c is a single loop here too; striping stays off: NTFS opens are not POSIX (Win32-OpenSSH issues 1534, 1849)',
  },
  {
    name: 'OpenSSH',
    banner: /^OpenSSH/,
    overrides: {
      readBytes: requestBytesMax,
      writeBytes: requestBytesMax,
      answersInOrder: true,
      pipelinedReaddir: 16,
      stripes: true,
    },
    why: 'sftp-server.c: one loop in order of arrival, messages of 256 KiB, POSIX files; MaxSessions 10 (servconf.h)',
  },
  {
    name: 'ftps-gateway demo',
    banner: /^ftps-gateway-demo/,
    overrides: { answersInOrder: true, pipelinedReaddir: 16 },
    why: 'src/demo: answers each request before it looks at the next',
  },
  {
    name: 'Dropbear',
    banner: /^dropbear/,
    overrides: {
      readBytes: requestBytesMax,
      writeBytes: requestBytesMax,
      answersInOrder: true,
      pipelinedReaddir: 16,
      stripes: true,
    },
    why: 'runs the sftp-server of OpenSSH; its channel window of 24 KiB slows uploads, which several connections make up for',
  },
  {
    name: 'ProFTPD mod_sftp',
    banner: /^mod_sftp/,
    overrides: { answersInOrder: true, pipelinedReaddir: 2 },
    why: 'one process a connection, no answer out of order (measured, 1.3.8); it ends the whole connection at the 11th channel (SFTP_SSH2_CHANNEL_MAX_COUNT); window of 4 GiB: our own byte budget bounds what is under way',
  },
  {
    name: 'SFTPGo',
    banner: /^SFTPGo/,
    overrides: { readBytes: 32 * 1024, answersInOrder: true, pipelinedReaddir: 2 },
    why: 'pkg/sftp: READs answered with at most 32 KiB (request-server.go), CLOSE waits for the workers (packet-manager.go); atomic uploads forbid striping',
  },
  {
    name: 'rclone serve sftp',
    banner: /^rclone\//,
    overrides: { readBytes: 32 * 1024, answersInOrder: true, pipelinedReaddir: 2, channels: 1 },
    why: 'pkg/sftp; each channel can be a file system of its own, which sees files of the others late (rclone issue 9000)',
  },
  {
    name: 'Go x/crypto (pkg/sftp)',
    banner: /^Go$/,
    overrides: { readBytes: 32 * 1024, answersInOrder: true, pipelinedReaddir: 2 },
    why: 'the name that golang.org/x/crypto/ssh greets with by default; SFTP in Go is pkg/sftp',
  },
  {
    name: 'Bitvise',
    banner: /^[\d.]{1,20} FlowSsh: Bitvise/,
    overrides: asWinScp,
    why: 'WinSCP SecureShell.cpp; nothing else is known that differs in version 3',
  },
  {
    name: 'Titan (srtSSHServer)',
    banner: /^\S{0,40} ?srtSSHServer/i,
    overrides: asWinScp,
    why: 'WinSCP SecureShell.cpp; sends status codes of version 6',
  },
  {
    name: 'Cerberus',
    banner: /^CerberusFTPServer/i,
    overrides: {},
    why: 'versions before 7.0.10 mark the end of a listing wrongly (WinSCP): one READDIR at a time',
  },
  {
    name: 'Serv-U',
    banner: /^Serv-U/i,
    overrides: asWinScp,
    why: 'WinSCP SecureShell.cpp; nothing else verified',
  },
  {
    name: 'WS_FTP',
    banner: /^WS_FTP/i,
    overrides: asWinScp,
    why: 'WinSCP SecureShell.cpp; nothing else verified',
  },
  {
    name: 'GlobalSCAPE EFT',
    banner: /^\S{0,40} ?GlobalSCAPE/i,
    overrides: { window: 'small', readBytes: 16 * 1024, writeBytes: 16 * 1024 },
    why: 'sends packets as large as the window, whatever the packet limit is (PuTTY BUG_SSH2_MAXPKT)',
  },
  {
    name: 'Momentum',
    banner: /^[\d.]{1,20} sshlib: Momentum/,
    overrides: { window: 'small', readBytes: 32 * 1024 - 64, writeBytes: 32 * 1024 - 64 },
    why: 'SFTP packets of at most 32 KiB, header included (WinSCP SftpFileSystem.cpp)',
  },
  {
    name: 'CompleteFTP',
    banner: /^CompleteFTP/i,
    overrides: asWinScp,
    why: 'ends the session when asked for the parent of the root (WinSCP); the gateway never asks for it',
  },
  {
    name: 'CoreFTP',
    banner: /^CoreFTP/i,
    overrides: asWinScp,
    why: 'WinSCP SecureShell.cpp; nothing else verified',
  },
  {
    name: 'Apache MINA SSHD',
    banner: /^(?:APACHE-)?SSHD-/,
    overrides: { readBytes: 63 * 1024, pipelinedReaddir: 2 },
    why: 'answers READ with at most 63 KiB (sftp-max-readdata-packet-length); what it runs on is up to the product around it',
  },
  {
    name: 'Syncplify',
    banner: /^\S{0,40} ?Syncplify/i,
    overrides: asWinScp,
    why: 'WinSCP SecureShell.cpp; nothing else verified',
  },
  {
    name: 'zFTPServer',
    banner: /^zFTPServer/i,
    overrides: asWinScp,
    why: 'WinSCP SecureShell.cpp; nothing else verified',
  },
  {
    name: 'OpenVMS',
    banner: /^.{0,100}OpenVMS/i,
    overrides: {},
    why: 'WinSCP SecureShell.cpp; versioned file names, so nothing is taken for granted',
  },
  {
    name: 'AWS Transfer Family',
    banner: /^AWS_SFTP/,
    overrides: {},
    why: 'S3 behind it: no striping, writes in order, SETSTAT refused unless SetStatOption allows it (learned); 10 channels (AWS documentation)',
  },
  {
    name: 'Azure Blob Storage',
    banner: /^AzureSSH/,
    overrides: { writeBytes: requestBytesMax, rename: 'swap' },
    why: 'a file has at most 50 000 blocks of one WRITE each, so WRITEs are large; RENAME to a name that exists is refused (Azure documentation)',
  },
  {
    name: 'Google',
    banner: /^Google/i,
    overrides: {},
    why: 'object store: writes in order from offset 0 only, no attributes (learned); ssh2-sftp-client issue 461',
  },
  {
    name: 'files.com',
    banner: /^(?:files\.com|BrickFTP)/i,
    overrides: {},
    why: 'object store: "missing file segments" unless writes come in order (ssh2-streams issue 171)',
  },
  {
    name: 'CrushFTP',
    banner: /^CrushFTPSSHD/,
    overrides: {},
    why: 'slow with many small WRITEs (ssh2-streams issue 145); it is MINA inside, and unverified',
  },
  {
    name: 'MOVEit, GoAnywhere, JSCAPE',
    banner: /^(?:MOVEit|GoAnywhere|JSCAPE)/i,
    overrides: {},
    why: 'may take a file away on CLOSE (rclone issue 3302): its size is asked for before that, and nothing after it but the rename',
  },
  {
    name: 'Erlang ssh_sftpd',
    banner: /^Erlang/,
    overrides: { rename: 'swap', symlink: 'linkFirst' },
    why: 'no extensions; RENAME refuses an existing target; SYMLINK as the draft has it; whole directories in one answer (ssh_sftpd.erl)',
  },
  {
    name: 'Paramiko',
    banner: /^paramiko/,
    overrides: {},
    why: 'a library: order and files are up to the program around it',
  },
  {
    name: 'AsyncSSH',
    banner: /^AsyncSSH/,
    overrides: { symlink: 'linkFirst' },
    why: 'may carry out requests at the same time, so nothing is sent behind what it depends on; SYMLINK as the draft has it, unless the client is named OpenSSH or paramiko (measured)',
  },
  {
    name: 'Cisco',
    banner: /^Cisco/,
    overrides: {},
    why: 'STATUS without text (ssh2 tolerates it as well); nothing else verified',
  },
]

/** The longest banner of RFC 4253 section 4.2; patterns never see more. */
const bannerLengthMax = 255

export function quirkOf(banner: string): Quirk | undefined {
  const text = banner.slice(0, bannerLengthMax)
  return quirks.find((quirk) => quirk.banner.test(text))
}

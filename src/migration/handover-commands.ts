import { type HandoverFacts, keyName, placeBySftp } from './handover-facts.ts'
import { rsaBitsOf } from './public-key.ts'
import type { Part } from './sheet.ts'

/** The upload of one file, in the words of the clients that partners have. */
export function commandExamples(facts: HandoverFacts): readonly Part[] {
  return [
    code('openssh', 'OpenSSH (batch file upload.sftp, then the command):', openssh(facts)),
    code('powershell', 'PowerShell, with the OpenSSH of Windows:', powershell(facts)),
    code('winscp', 'WinSCP, as a script:', winscp(facts)),
    code('lftp', 'lftp:', lftp(facts)),
    code('paramiko', 'Python, with paramiko:', paramiko(facts)),
  ]
}

function code(id: string, label: string, text: string): Part {
  return { kind: 'code', id, label, text }
}

const file = 'orders.csv'

/** Where there is no /in, the first folder of which the place is known. */
function target(facts: HandoverFacts): string {
  const known = facts.paths?.find(({ there }) => there !== undefined)
  return (
    placeBySftp(facts, `/in/${file}`) ?? placeBySftp(facts, `${known?.ftp === '/' ? '' : known?.ftp}/${file}`) ?? file
  )
}

/** For a POSIX shell. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** In sftp's own language, and in that of WinSCP: quotes are doubled there. */
function inQuotes(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

function openssh(facts: HandoverFacts): string {
  const { server, user, partner } = facts
  const path = target(facts).replace(/["\\]/g, '\\$&')
  const login = `-o User=${quoted(user)} -P ${server.port} -i ${keyName(partner)}`
  return `put ${file} "${path}"\n\nsftp -b upload.sftp ${login} ${server.host}`
}

function powershell(facts: HandoverFacts): string {
  const { server, user, partner } = facts
  const single = (text: string) => `'${text.replaceAll("'", "''")}'`
  const put = single(`put ${file} "${target(facts).replace(/["\\]/g, '\\$&')}"`)
  return `${put} | sftp -b - -o ${single(`User=${user}`)} -P ${server.port} -i "$HOME\\.ssh\\${keyName(partner)}" ${server.host}`
}

function winscp(facts: HandoverFacts): string {
  const { server, user, partner, hostKeys } = facts
  const key = hostKeys[0]
  const print = key && ` -hostkey=${inQuotes(`${key.type} ${bitsOf(key)} ${key.fingerprint.replace('SHA256:', '')}`)}`
  const url = `sftp://${encodeURIComponent(user)}@${server.host}:${server.port}/`
  return `open ${url} -privatekey=${inQuotes(`C:\\keys\\${keyName(partner)}.ppk`)}${print ?? ''}
put ${file} ${inQuotes(target(facts))}
exit`
}

/** As WinSCP shows them. */
function bitsOf({ type, blob }: HandoverFacts['hostKeys'][number]): number {
  if (type === 'ssh-ed25519') return 255
  return type === 'ssh-rsa' ? (rsaBitsOf(blob) ?? 0) : Number(/\d{3}$/.exec(type)?.[0] ?? 0)
}

function lftp(facts: HandoverFacts): string {
  const { server, user, partner } = facts
  const program = `set sftp:connect-program "ssh -a -x -i ${keyName(partner)}"`
  const path = target(facts).replace(/["\\]/g, '\\$&')
  const url = `sftp://${server.host}:${server.port}`
  return `lftp -e ${quoted(`${program}; put ${file} -o "${path}"; bye`)} -u ${quoted(`${user},`)} ${url}`
}

function paramiko(facts: HandoverFacts): string {
  const { server, user, partner } = facts
  // JSON strings are Python strings.
  const text = (value: string) => JSON.stringify(value)
  return `import paramiko

client = paramiko.SSHClient()
client.load_host_keys("known_hosts")
client.connect(${text(server.host)}, port=${server.port}, username=${text(user)}, key_filename=${text(keyName(partner))})
client.open_sftp().put(${text(file)}, ${text(target(facts))})
client.close()`
}

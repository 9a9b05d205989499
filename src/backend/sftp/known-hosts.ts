import { createHmac } from 'node:crypto'

/** A key that a known_hosts file has for a host, trusted or revoked. */
export interface KnownKey {
  /** As in the file: `ssh-ed25519`, `ssh-rsa` … */
  readonly type: string
  readonly blob: Buffer
  readonly revoked: boolean
}

export interface KnownHost {
  readonly keys: readonly KnownKey[]
  /** Lines about the host that could not be used, and why; for the operator. */
  readonly notes: readonly string[]
}

interface Line {
  readonly number: number
  readonly marker: string | undefined
  readonly hosts: string
  readonly type: string
  readonly key: string
}

/**
 * What a known_hosts file says about a host (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). A port other than 22 is looked up as
 * `[host]:port`, and, like ssh does, as the host alone when that finds no key; what is revoked is so under both names.
 */
export function lookUp(text: string, host: string, port: number): KnownHost {
  const name = host.toLowerCase()
  const lines = parse(text)
  if (port === 22) return keysOf(lines, name)
  const withPort = keysOf(lines, `[${name}]:${port}`)
  const alone = keysOf(lines, name)
  const trusting = withPort.keys.some(({ revoked }) => !revoked)
  const others = trusting ? alone.keys.filter(({ revoked }) => revoked) : alone.keys
  return { keys: [...withPort.keys, ...others], notes: [...withPort.notes, ...(trusting ? [] : alone.notes)] }
}

function parse(text: string): readonly Line[] {
  const lines: Line[] = []
  for (const [i, line] of text.split('\n').entries()) {
    const words = line.trim().split(/[ \t]+/)
    if (words[0] === '' || words[0]?.startsWith('#')) continue
    const marker = words[0]?.startsWith('@') ? words.shift() : undefined
    const [hosts = '', type = '', key = ''] = words
    lines.push({ number: i + 1, marker, hosts, type, key })
  }
  return lines
}

function keysOf(lines: readonly Line[], name: string): KnownHost {
  const keys: KnownKey[] = []
  const notes: string[] = []
  for (const { number, marker, hosts, type, key } of lines) {
    if (!matchesHosts(hosts, name)) continue
    const blob = Buffer.from(key, 'base64')
    if (marker === '@cert-authority') notes.push(`known_hosts line ${number}: host certificates are not supported`)
    else if (marker !== undefined && marker !== '@revoked') notes.push(`known_hosts line ${number}: unknown marker`)
    else if (typeOf(blob) !== type) notes.push(`known_hosts line ${number}: the key is damaged`)
    else keys.push({ type, blob, revoked: marker === '@revoked' })
  }
  return { keys, notes }
}

/** The type that a public key blob names itself (RFC 4253 section 6.6); undefined when it is no blob. */
export function typeOf(blob: Buffer): string | undefined {
  if (blob.length < 4) return undefined
  const end = 4 + blob.readUInt32BE(0)
  return end < blob.length ? blob.toString('latin1', 4, end) : undefined
}

/** A comma list of patterns, of which one must match and none that starts with `!`; or one hashed name. */
function matchesHosts(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return matchesHash(hosts, name)
  let found = false
  for (const item of hosts.toLowerCase().split(',')) {
    const negated = item.startsWith('!')
    if (!matchesPattern(negated ? item.slice(1) : item, name)) continue
    if (negated) return false
    found = true
  }
  return found
}

/** `|1|salt|hash` is the HMAC-SHA1 of the name, keyed with the salt: the file does not tell which hosts it knows. */
function matchesHash(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split('|')
  if (version !== '1' || salt === undefined || hash === undefined) return false
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest().equals(Buffer.from(hash, 'base64'))
}

/** `*` stands for any characters, `?` for one; brackets are plain characters. Goes back to the last `*` only. */
function matchesPattern(pattern: string, name: string): boolean {
  let [p, n] = [0, 0]
  let star = -1
  let resume = 0
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++
      resume = n
    } else if (pattern[p] === '?' || pattern[p] === name[n]) {
      p++
      n++
    } else if (star >= 0) {
      p = star + 1
      n = ++resume
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

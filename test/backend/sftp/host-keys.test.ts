import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createHostKeyPolicy, fingerprint } from '../../../src/backend/sftp/host-keys.ts'

/** Public keys and fingerprints as ssh-keygen made and printed them. */
const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtP8OnxVPaXQXScrBeoehran7UK+MTMGDf7U9NYBdGk'
const ecdsa =
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJ9z0mlSbfBH5KBrZ+iRbhcmFJBupAzvP1dvAuyHVaHen5fKcDR8j/mtCeBMJWlk/+fpUah1CBUMQyZJdDZSqAY='
const rsa =
  'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDLqhk+skWAC3MMCxTDD94AZqgJEdQe/wmMZCYiGWJlhT94618vqyhvSyIzfLTA9jI0EFT4VEX3gv7YphZnh6kT2HgthKV3q9aaomZZXE/9UMO+/B4OTXQe9NEFE40ZN8+MKk99Et/ksW6qdG576JcScnHUxEw5t9uozhaS6ieRclpM4WGihboFPpBdAxLzJflIfSd2sWSmhaawsM3mLmgXhnp8EvNBn1tR2n3SBAz4tbWlFwsxnRxQYfZ1B+biWXcC7+MIg8aoBRv+RzVLUfaUe6dKEGHACxgKzP/cvir7XkT8uFLG7R/KFxjYd7naBWy77nLCU40IgqNuENjnchJ/'
const ed25519Print = 'SHA256:DJnU4Sv3OMEc/Hulj5PGNLqST3jF49OsUUnMhdDoYO8'
const ecdsaPrint = 'SHA256:mcXd5wfVZ2/kxNwfG2uenN7DE9cHuUxMaY3mh37u0io'
const rsaPrint = 'SHA256:eGn3SRVEwX982zMMoTlY6Tcgzptr8f2PGtuZXVniECM'
/** sftp.internal with the ed25519 key and [sftp.internal]:2222 with the ECDSA key, hashed by ssh-keygen -H. */
const hashed = `|1|PFQfvUa86c9wk1LimBiOFbLIPuE=|KUERKN18dVzYiaJoGZ/FORVbW8c= ${ed25519}
|1|T3afuQQuKGFPLWJWa0Mqz2qq2jk=|1hM76bbBEA36KFel/gUfiTHii6Q= ${ecdsa}
`
const modern = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

function blob(line: string): Buffer {
  return Buffer.from(line.split(' ')[1] ?? '', 'base64')
}

function policy(knownHostsText: string | undefined, host = 'sftp.internal', port = 22, fingerprints: string[] = []) {
  return createHostKeyPolicy({ host, port, fingerprints, knownHostsText })
}

test('fingerprints are those of ssh-keygen', () => {
  expect([ed25519, ecdsa, rsa].map((line) => fingerprint(blob(line)))).toEqual([ed25519Print, ecdsaPrint, rsaPrint])
})

describe('with fingerprints', () => {
  const pinned = policy(undefined, 'any', 22, [ed25519Print, rsaPrint])

  test('pinned keys are trusted and no others', () => {
    expect(pinned.check(blob(ed25519))).toBe('trusted')
    expect(pinned.check(blob(rsa))).toBe('trusted')
    expect(pinned.check(blob(ecdsa))).toBe('unknown')
    expect(pinned.check(Buffer.alloc(0))).toBe('unknown')
    expect(pinned.expected).toEqual([ed25519Print, rsaPrint])
  })

  test('every modern algorithm is asked for, because the type is unknown', () => {
    expect(pinned.keyTypes).toEqual(modern)
  })

  test('nothing is trusted without a pin, nor by a malformed one', () => {
    for (const none of [policy(undefined), policy(''), policy('', 'a', 22, ['SHA256:', 'SHA256:DJnU', 'MD5:aa:bb'])]) {
      expect(none.check(blob(ed25519))).toBe('unknown')
    }
    expect(policy(undefined).expected).toEqual([])
  })

  test('a key that differs in one bit is unknown', () => {
    const { length } = blob(ed25519)
    fc.assert(
      fc.property(fc.nat(length - 1), fc.nat(7), (byte, bit) => {
        const other = blob(ed25519)
        other[byte] = (other[byte] ?? 0) ^ (1 << bit)
        return pinned.check(other) === 'unknown'
      }),
    )
  })
})

describe('with known_hosts', () => {
  test.each([
    ['sftp.internal', 'sftp.internal', 22],
    ['SFTP.Internal', 'sftp.internal', 22],
    ['sftp.internal', 'SFTP.INTERNAL', 22],
    ['other,sftp.internal,10.0.0.1', '10.0.0.1', 22],
    ['[sftp.internal]:2222', 'sftp.internal', 2222],
    ['sftp.internal', 'sftp.internal', 2222],
    ['[::1]:2222', '::1', 2222],
    ['::1', '::1', 22],
    ['*.internal', 'sftp.internal', 22],
    ['*', 'sftp.internal', 2222],
    ['sft?.*nal', 'sftp.internal', 22],
    ['*.internal,!old.internal', 'sftp.internal', 22],
    ['s*t*l', 'sftp.internal', 22],
  ])('%s is %s port %i', (hosts, host, port) => {
    expect(policy(`${hosts} ${ed25519}`, host, port).check(blob(ed25519))).toBe('trusted')
  })

  test.each([
    ['sftp.internal', 'sftp.internal.example', 22],
    ['sftp.internal', 'internal', 22],
    ['[sftp.internal]:2222', 'sftp.internal', 22],
    ['[sftp.internal]:2222', 'sftp.internal', 2223],
    ['sftpXinternal', 'sftp.internal', 22],
    ['sftp?internal?', 'sftp.internal', 22],
    ['*.internal,!sftp.internal', 'sftp.internal', 22],
    ['!sftp.internal,*', 'sftp.internal', 22],
    ['!other', 'sftp.internal', 22],
    ['[sftp]*', 'sftp.internal', 22],
    ['', 'sftp.internal', 22],
  ])('%s is not %s port %i', (hosts, host, port) => {
    expect(policy(`${hosts} ${ed25519}`, host, port).check(blob(ed25519))).toBe('unknown')
  })

  test('hashed names are found, with and without a port', () => {
    expect(policy(hashed).check(blob(ed25519))).toBe('trusted')
    expect(policy(hashed).check(blob(ecdsa))).toBe('unknown')
    expect(policy(hashed, 'sftp.internal', 2222).check(blob(ecdsa))).toBe('trusted')
    expect(policy(hashed, 'other.internal').expected).toEqual([])
    expect(policy(`|1|PFQf ${ed25519}\n|2|a|b ${ed25519}\n| ${ed25519}`).expected).toEqual([])
  })

  test('a line for the port goes before a line for the host alone', () => {
    const both = policy(`[h]:2222 ${ecdsa}\nh ${ed25519}`, 'h', 2222)
    expect(both.expected).toEqual([ecdsaPrint])
    expect(both.check(blob(ed25519))).toBe('unknown')
  })

  test('a revoked key is never trusted, by whatever line or pin it is trusted elsewhere', () => {
    const text = `@revoked * ${ed25519}\nsftp.internal ${ed25519}\nsftp.internal ${rsa}`
    const revoking = policy(text, 'sftp.internal', 22, [ed25519Print])
    expect(revoking.check(blob(ed25519))).toBe('revoked')
    expect(revoking.check(blob(rsa))).toBe('trusted')
    expect(revoking.expected).toEqual([rsaPrint])
    const byHost = policy(`[h]:2222 ${rsa}\n@revoked h ${rsa}`, 'h', 2222)
    expect(byHost.check(blob(rsa))).toBe('revoked')
  })

  test('the types of known keys are asked for first, in the order of OpenSSH, and the others after them', () => {
    const { keyTypes } = policy(`h ${rsa}\nh ${ecdsa}`, 'h')
    expect(keyTypes.slice(0, 3)).toEqual(['ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256'])
    expect([...keyTypes].sort()).toEqual([...modern].sort())
  })

  test('comments, blank lines, several spaces, tabs and line ends of Windows are no obstacle', () => {
    const text = `# sftp.internal ${rsa}\r\n\r\n \t sftp.internal \t ${ed25519}  me@here and more\r\n`
    expect(policy(text).expected).toEqual([ed25519Print])
  })

  test('lines about the host that cannot be used are named, and the rest of the file counts', () => {
    const text = [
      `@cert-authority *.internal ${rsa}`,
      `@strange sftp.internal ${rsa}`,
      'sftp.internal ssh-ed25519 AAAA',
      'sftp.internal ssh-ed25519',
      `sftp.internal ssh-rsa ${ed25519.split(' ')[1]}`,
      `@cert-authority other ${rsa}`,
      `sftp.internal ${ed25519}`,
    ].join('\n')
    const { notes, expected } = policy(text)
    expect(expected).toEqual([ed25519Print])
    expect(notes).toEqual([
      'known_hosts line 1: host certificates are not supported',
      'known_hosts line 2: unknown marker',
      'known_hosts line 3: the key is damaged',
      'known_hosts line 4: the key is damaged',
      'known_hosts line 5: the key is damaged',
    ])
  })

  test('no text makes it throw, and none trusts a key that is not in it', () => {
    const words = fc.constantFrom(
      'h',
      '*',
      '!h',
      '|1|a|b',
      '@revoked',
      '@x',
      '#',
      ' ',
      '\t',
      '\n',
      'ssh-rsa',
      'AAAA',
      '[h]:1',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string())), (parts) => {
        return policy(parts.join(''), 'h', 1).check(blob(ed25519)) === 'unknown'
      }),
    )
  })
})

test('a verdict never changes', () => {
  const { check } = policy(hashed)
  expect(Array.from({ length: 5 }, () => check(blob(ed25519)))).toEqual(Array.from({ length: 5 }, () => 'trusted'))
})

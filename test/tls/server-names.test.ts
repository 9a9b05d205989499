import { describe, expect, test } from 'vitest'
import type { Certificate } from '../../src/tls/certificates.ts'
import { serverNames } from '../../src/tls/server-names.ts'

/** A certificate that is known by `label`. */
function certificate(label: string, keyType: string, ...names: string[]): Certificate {
  return { cert: label, key: '', fingerprint: label, notAfter: new Date(0), selfMade: false, keyType, names }
}

const rsa = certificate('rsa', 'rsa', 'ftp.example.com', 'files.example.com')
const ec = certificate('ec', 'ec', 'ftp.example.com')
const other = certificate('other', 'ec', 'ftp.other.net')
const wildcard = certificate('wildcard', 'rsa', '*.example.com')
const exact = certificate('exact', 'rsa', 'edi.example.com')

function shown(certificates: readonly Certificate[], host?: string): string {
  return serverNames(certificates)
    .certificatesFor(host)
    .map(({ fingerprint }) => fingerprint)
    .join(' ')
}

describe('Certificates are chosen by name', () => {
  test.each([
    ['the only one, whoever is asked for', [rsa], 'ftp.example.com', 'rsa'],
    ['the only one, even where it is for somebody else', [rsa], 'ftp.other.net', 'rsa'],
    ['those of the first for clients that ask for nobody', [rsa, ec, other], undefined, 'rsa ec'],
    ['those of the first for a name that there is none for', [rsa, other], 'nobody.net', 'rsa'],
    ['not those of somebody else, for another kind of key', [rsa, other], undefined, 'rsa'],
    ['one of each kind of key', [other, rsa, ec], 'ftp.example.com', 'rsa ec'],
    ['the kind of key that there is', [rsa, ec], 'files.example.com', 'rsa'],
    ['another host', [rsa, ec, other], 'ftp.other.net', 'other'],
    ['a wildcard', [rsa, wildcard], 'edi.example.com', 'wildcard'],
    ['an exact name before a wildcard', [wildcard, exact], 'edi.example.com', 'exact'],
    ['the first of two alike', [rsa, { ...rsa, fingerprint: 'second' }], 'ftp.example.com', 'rsa'],
    [
      'one without any name, for clients that ask for nobody',
      [certificate('nameless', 'rsa'), rsa],
      undefined,
      'nameless',
    ],
  ])('%s', (_, certificates, host, expected) => {
    expect(shown(certificates, host)).toBe(expected)
  })

  test('hosts are known by certificates that cover them', () => {
    const { know } = serverNames([rsa, wildcard])
    expect(['ftp.example.com', 'any.example.com', 'example.com', 'ftp.other.net'].map(know)).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test('those that nobody would ever see are told', () => {
    const second = { ...rsa, fingerprint: 'second' }
    expect(serverNames([rsa, ec, second, other]).unused).toEqual([second])
    expect(serverNames([rsa, wildcard]).unused).toEqual([])
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadClientAuthorities } from '../../src/tls/client-certificates.ts'
import { makeAuthority } from '../support/certificate-authority.ts'

let folder: string
let ca: string
let crl: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'client-authorities-'))
  const authority = await makeAuthority(folder)
  ca = authority.ca
  crl = await authority.revoke()
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(text: string): string {
  const path = join(folder, 'some.pem')
  writeFileSync(path, text)
  return path
}

test('an authority and its list are read', async () => {
  const read = await loadClientAuthorities('require', ca, crl)
  expect(read).toMatchObject({ mode: 'require', ca: expect.stringContaining('BEGIN CERTIFICATE') })
  expect(read.crl).toHaveLength(1)
  expect((await loadClientAuthorities('request', ca, undefined)).crl).toEqual([])
})

test('files that are something else are named', async () => {
  const damaged = (label: string) => file(`-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`)
  const missing = join(folder, 'missing.pem')
  await expect(loadClientAuthorities('request', missing, undefined)).rejects.toThrow(
    `${missing} cannot be read (ENOENT)`,
  )
  await expect(loadClientAuthorities('request', file('hello'), undefined)).rejects.toThrow('no certificate in PEM form')
  await expect(loadClientAuthorities('request', damaged('CERTIFICATE'), undefined)).rejects.toThrow('is damaged')
  await expect(loadClientAuthorities('request', ca, file('hello'))).rejects.toThrow('no list of revoked certificates')
  await expect(loadClientAuthorities('request', ca, damaged('X509 CRL'))).rejects.toThrow('is damaged')
})

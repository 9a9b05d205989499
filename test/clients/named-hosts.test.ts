import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeAuthority } from '../support/certificate-authority.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { program } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

let sshd: Sshd
let gateway: TestGateway
let ca: string
/** The certificate that another has the names of. */
let twice: string
beforeAll(async () => {
  sshd = await startSshd()
  const authority = await makeAuthority(join(sshd.folder, 'authority'))
  ca = authority.ca
  const first = await authority.issue('first', { names: ['ftp.first.example'] })
  const second = await authority.issue('second', { names: ['ftp.second.example'] })
  const again = await authority.issue('again', { names: ['ftp.second.example'] })
  twice = again.cert
  gateway = await startTestGateway({ sshd, settings: { tls: { certificates: [first, second, again] } } })
})
afterAll(async () => {
  await gateway?.stop()
  await sshd?.stop()
})

/** Uploads a file by curl, which believes nobody but this host, on both connections. */
function upload(host: string, tls: 'explicit' | 'implicit', file: string) {
  const port = gateway[tls]
  const { name, password } = sshd.user
  const settings = [
    `url = "${tls === 'implicit' ? 'ftps' : 'ftp'}://${host}:${port}/${file}"`,
    `resolve = "${host}:${port}:127.0.0.1"`,
    `user = "${name}:${password}"`,
    `cacert = "${ca}"`,
    `upload-file = "${ca}"`,
    'ssl-reqd',
    'silent',
    'show-error',
  ]
  const options = { input: settings.join('\n'), secret: password }
  return run(program('curl'), ['-q', '--config', '-'], options)
}

test.each(['explicit', 'implicit'] as const)(
  'curl, %s, finds the certificate of each host on both connections',
  async (tls) => {
    for (const host of ['ftp.first.example', 'ftp.second.example']) {
      expect(await upload(host, tls, `${tls}-${host}`)).toMatchObject({ code: 0 })
      const sent = readFileSync(join(sshd.home, `${tls}-${host}`))
      expect(sent.equals(readFileSync(ca))).toBe(true)
    }
    const { code, stderr } = await upload('ftp.third.example', tls, 'third')
    expect(stderr.toString()).toContain(
      "no alternative certificate subject name matches target host name 'ftp.third.example'",
    )
    expect(code).toBe(60)
  },
)

test('a certificate that nobody is ever shown is told at start', () => {
  const told = gateway.log.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))
  const { fingerprint256 } = new X509Certificate(readFileSync(twice))
  expect(told).toContain(
    `the certificate ${fingerprint256} is shown to nobody: those before it have all its names, and its kind of key`,
  )
  expect(told.filter((message) => message.includes('shown to nobody'))).toHaveLength(1)
})

import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CertificateWatch } from '../../src/composition/certificate-watch.ts'
import { certificateValidUntil } from '../support/certificates.ts'
import { startTestGateway } from '../support/gateway-under-test.ts'
import { startSshd } from '../support/sshd.ts'

let folder: string
let watch: CertificateWatch | undefined
let changes = 0

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'certificates-'))
  changes = 0
})
afterEach(() => {
  watch?.close()
  rmSync(folder, { recursive: true })
})

const path = (name: string) => join(folder, name)
const changed = (count: number) => vi.waitFor(() => expect(changes).toBe(count), { timeout: 10_000 })
/** Once the watch has read the files for the first time. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 100))

async function start(...names: string[]): Promise<void> {
  watch = new CertificateWatch(names.map(path), () => changes++)
  await settled()
}

describe('A change of certificates is noticed', () => {
  test('when files are renamed over the old ones, both as one', async () => {
    for (const name of ['cert.pem', 'key.pem']) writeFileSync(path(name), 'old')
    await start('cert.pem', 'key.pem')
    for (const name of ['cert.pem', 'key.pem']) {
      writeFileSync(path(`${name}.new`), 'new')
      renameSync(path(`${name}.new`), path(name))
    }
    await changed(1)
  })

  test('when Kubernetes swaps the folder behind a link', async () => {
    for (const version of ['1', '2']) {
      mkdirSync(path(`..${version}`))
      writeFileSync(path(`..${version}/tls.crt`), version)
    }
    symlinkSync('..1', path('..data'))
    symlinkSync('..data/tls.crt', path('tls.crt'))
    await start('tls.crt')
    symlinkSync('..2', path('..data_tmp'))
    renameSync(path('..data_tmp'), path('..data'))
    await changed(1)
  })

  test('and not when they are only touched, or others beside them change', async () => {
    writeFileSync(path('cert.pem'), 'old')
    await start('cert.pem')
    writeFileSync(path('cert.pem'), 'old')
    writeFileSync(path('another.pem'), 'new')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(changes).toBe(0)
    unlinkSync(path('cert.pem'))
    writeFileSync(path('cert.pem'), 'new')
    await changed(1)
  })
})

test('a gateway takes new certificates for new sessions, and keeps the old ones while a pair does not fit', async () => {
  const [first, second] = [1, 2].map((days) => certificateValidUntil(new Date(Date.now() + days * 86_400_000)))
  if (!first || !second) throw new Error('no certificates')
  const write = (cert: string, key: string) => {
    writeFileSync(path('cert.pem'), cert)
    writeFileSync(path('key.pem'), key)
  }
  write(first.cert, first.key)
  const sshd = await startSshd()
  const settings = { tls: { certificates: [{ cert: path('cert.pem'), key: path('key.pem') }] } }
  const gateway = await startTestGateway({ sshd, settings })
  const warnings = () => gateway.log.filter((event) => event.kind === 'warning' && event.topic === 'certificate')
  try {
    expect(await shown(gateway.implicit)).toBe(first.cert)
    await settled()
    write(second.cert, first.key)
    await vi.waitFor(() => expect(warnings()).toHaveLength(1), { timeout: 10_000 })
    expect(await shown(gateway.implicit)).toBe(first.cert)
    write(second.cert, second.key)
    await vi.waitFor(async () => expect(await shown(gateway.implicit)).toBe(second.cert), { timeout: 10_000 })
    expect(warnings()).toHaveLength(1)
  } finally {
    await gateway.stop()
    await sshd.stop()
  }
})

/** The certificate that a client sees, as PEM. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const base64 = socket
        .getPeerCertificate()
        .raw.toString('base64')
        .match(/.{1,64}/g)
      socket.destroy()
      resolve(`-----BEGIN CERTIFICATE-----\r\n${base64?.join('\r\n')}\r\n-----END CERTIFICATE-----\r\n`)
    }).on('error', reject)
  })
}

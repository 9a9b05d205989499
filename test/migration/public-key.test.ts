import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readPublicKey } from '../../src/migration/public-key.ts'
import { program } from '../support/packages.ts'
import { run, runOk } from '../support/run.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'public-key-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function made(name: string, ...options: readonly string[]): Promise<string> {
  const file = join(folder, name)
  await runOk(program('ssh-keygen'), ['-q', '-N', '', '-f', file, ...options])
  return file
}

async function fingerprintOf(file: string): Promise<string> {
  return (await runOk(program('ssh-keygen'), ['-lf', file])).toString().split(' ')[1] ?? ''
}

describe('A key that a partner sends', () => {
  test.each([
    ['ed25519', ['-t', 'ed25519']],
    ['ecdsa', ['-t', 'ecdsa', '-b', '521']],
    ['rsa', ['-t', 'rsa', '-b', '3072']],
  ])('of kind %s is taken, by the fingerprint that ssh-keygen shows', async (name, options) => {
    const file = await made(name, ...options, '-C', 'jürgen@acme "x" # y')
    const text = readFileSync(`${file}.pub`, 'utf8')
    const key = readPublicKey(text)
    expect(key).toMatchObject({ kind: 'key', fingerprint: await fingerprintOf(file) })
    const [type, base64] = text.split(' ')
    expect(key).toMatchObject({ type, line: `${type} ${base64} jrgen@acme x  y` })
    const rfc4716 = (await runOk(program('ssh-keygen'), ['-e', '-f', file])).toString()
    expect(readPublicKey(rfc4716)).toMatchObject({ kind: 'key', fingerprint: await fingerprintOf(file) })
  })

  test('is refused when it is RSA and too short', async () => {
    const file = await made('short', '-t', 'rsa', '-b', '2048')
    expect(readPublicKey(readFileSync(`${file}.pub`, 'utf8'))).toEqual({
      kind: 'refused',
      why: 'it is an RSA key of 2048 bits; 3072 are needed',
    })
  })

  test('is refused when it is the private one, of OpenSSH, PEM or PuTTY', async () => {
    const [open, pem] = [await made('open', '-t', 'ed25519'), await made('pem', '-t', 'rsa', '-b', '3072', '-m', 'PEM')]
    const why = expect.stringContaining('private key')
    for (const text of [readFileSync(open, 'utf8'), readFileSync(pem, 'utf8'), 'PuTTY-User-Key-File-3: ssh-ed25519\n'])
      expect(readPublicKey(text)).toEqual({ kind: 'refused', why })
  })

  test('is refused when it is a DSA key', async () => {
    const file = join(folder, 'dsa')
    const { code } = await run(program('ssh-keygen'), ['-q', '-N', '', '-t', 'dsa', '-f', file])
    // Newer versions of ssh-keygen make none any more.
    const text = code === 0 ? readFileSync(`${file}.pub`, 'utf8') : `ssh-dss ${blob('ssh-dss', 'x'.repeat(128))}`
    expect(readPublicKey(text)).toEqual({ kind: 'refused', why: expect.stringContaining('DSA') })
  })

  const ed25519 = blob('ssh-ed25519', 'k'.repeat(32))
  test.each([
    ['is empty', '', 'there is no key in it'],
    ['has two keys', `ssh-ed25519 ${ed25519}\nssh-ed25519 ${ed25519}\n`, 'there is more than one key in it'],
    ['has options', `command="sh" ssh-ed25519 ${ed25519}`, 'it is no public key in the form of OpenSSH or RFC 4716'],
    ['says another kind than it is', `ssh-rsa ${ed25519}`, 'it says ssh-rsa and is ssh-ed25519'],
    ['is cut off', `ssh-ed25519 ${ed25519.slice(0, -8)}`, 'it is damaged: something is missing at its end'],
    [
      'is a certificate',
      `ssh-ed25519-cert-v01@openssh.com ${blob('ssh-ed25519-cert-v01@openssh.com', 'x')}`,
      'it is a certificate, not a key',
    ],
    ['is of another kind', `ssh-x ${blob('ssh-x', 'x')}`, 'it is a key of an unknown kind'],
    ['is no key', 'hello world', 'it is no public key'],
  ])('is refused when it %s', (_, text, why) => {
    expect(readPublicKey(text)).toEqual({ kind: 'refused', why })
  })
})

function blob(...parts: readonly string[]): string {
  const strings = parts.map((part) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    return Buffer.concat([length, Buffer.from(part)])
  })
  return Buffer.concat(strings).toString('base64')
}

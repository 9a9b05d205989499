import { expect, test } from 'vitest'
import { charset } from '../../src/config/charset-kind.ts'
import * as kinds from '../../src/config/kinds.ts'

const accepted: [string, kinds.Kind<unknown>, string, unknown][] = [
  ['port', kinds.port, '22', 22],
  ['listenPort', kinds.listenPort, '0', 0],
  ['portRange', kinds.portRange, '50000-50099', { first: 50000, last: 50099 }],
  ['portRange', kinds.portRange, '50000 - 50000', { first: 50000, last: 50000 }],
  ['portRange', kinds.portRange, '0', { first: 0, last: 0 }],
  ['duration', kinds.duration(1), '500ms', 500],
  ['duration', kinds.duration(1), '15s', 15_000],
  ['duration', kinds.duration(1), '10m', 600_000],
  ['duration', kinds.duration(1), '24h', 86_400_000],
  ['duration', kinds.duration(1), '24d', 2_073_600_000],
  ['span', kinds.span, '26h', 93_600_000],
  ['span', kinds.span, '400d', 34_560_000_000],
  ['duration from zero', kinds.duration(0), '0s', 0],
  ['size', kinds.size, '16MiB', 16 * 1024 ** 2],
  ['size', kinds.size, '1 GiB', 1024 ** 3],
  ['size', kinds.size, '512KiB', 512 * 1024],
  ['size', kinds.size, '65536', 65536],
  ['truth', kinds.truth, 'true', true],
  ['truth', kinds.truth, 'False', false],
  ['label', kinds.label, 'sftp-main_2.eu', 'sftp-main_2.eu'],
  ['userName', kinds.userName, 'DOMAIN\\Jürgen Q', 'DOMAIN\\Jürgen Q'],
  ['root', kinds.root, '/data//acme/', '/data/acme'],
  ['root', kinds.root, '/', '/'],
  ['address', kinds.address, '::', '::'],
  ['address', kinds.address, '0:0:0:0:0:0:0:1', '::1'],
  ['host', kinds.host, 'sftp-1.eu_west.internal', 'sftp-1.eu_west.internal'],
  ['host', kinds.host, 'fe80::1%eth0', 'fe80::1%eth0'],
  ['advertise', kinds.advertise, 'auto', 'auto'],
  ['advertise', kinds.advertise, '203.0.113.7', '203.0.113.7'],
  ['network', kinds.network, '10.0.0.0/8', '10.0.0.0/8'],
  ['network', kinds.network, '192.0.2.7/32', '192.0.2.7/32'],
  ['network', kinds.network, '0.0.0.0/0', '0.0.0.0/0'],
  ['sourcePorts', kinds.sourcePorts, 'any', { first: 0, last: 0 }],
  ['sourcePorts', kinds.sourcePorts, '20', { first: 20, last: 20 }],
  ['sourcePorts', kinds.sourcePorts, '40000-40099', { first: 40000, last: 40099 }],
  ['charset', charset, 'windows-1252', 'windows-1252'],
  ['charset', charset, 'CP1252', 'windows-1252'],
  ['charset', charset, 'Latin1', 'iso-8859-1'],
  ['charset', charset, 'UTF8', 'utf-8'],
  ['charset', charset, 'cp850', 'cp850'],
  ['fingerprint', kinds.fingerprint, `SHA256:${'A'.repeat(43)}`, `SHA256:${'A'.repeat(43)}`],
]
test.each(accepted)('%s takes %s%s', (_, kind, text, value) => {
  expect(kind.read(text)).toEqual(value)
})

const refused: [string, kinds.Kind<unknown>, readonly string[]][] = [
  ['charset', charset, ['', 'utf-16', 'utf-7', 'windows', 'cp037', 'iso-2022-jp']],
  ['port', kinds.port, ['0', '65536', '-1', '22.0', '0x16', '', ' 22', '2e1']],
  ['portRange', kinds.portRange, ['50099-50000', '0-100', '50000', '50000-', '1-70000', '50000-50099-']],
  ['duration', kinds.duration(1), ['15', '0s', '25d', '1.5h', '-1s', '1w', 's', '99999999999999999999s', '1h30m']],
  ['size', kinds.size, ['16M', '16MB', '1KiB', '65GiB', '-1', 'MiB', '1e9', '']],
  ['truth', kinds.truth, ['yes', 'on', '1', '']],
  ['label', kinds.label, ['', '-a', 'a b', 'ä', 'a/b', 'a'.repeat(65)]],
  ['userName', kinds.userName, ['', 'a\0', 'a\nb', '\x7f', 'ü'.repeat(128)]],
  ['root', kinds.root, ['', 'data', './data', '/data/../etc', '/data/.', '/a\0b', '~/x']],
  ['address', kinds.address, ['', 'localhost', '300.1.1.1', '[::]', '*', '127.0.0.1:21']],
  ['host', kinds.host, ['', 'sftp://a', 'a:22', 'a b', '300.1.1.1', '10.0.0', 'a..b', '-a.b', `${'a.'.repeat(127)}ab`]],
  ['network', kinds.network, ['10.1.2.3/8', '10.0.0.0', '10.0.0.0/33', '300.0.0.0/8', '10.0.0/8', 'fc00::/7', '']],
  ['sourcePorts', kinds.sourcePorts, ['0', '70000', '20-10', '', 'auto']],
  ['advertise', kinds.advertise, ['::1', '300.1.1.1', 'http://a', '']],
  ['fingerprint', kinds.fingerprint, ['SHA256:', `MD5:${'A'.repeat(43)}`, `SHA256:${'A'.repeat(42)}B`, 'A'.repeat(43)]],
  [
    'passwordHash',
    kinds.passwordHash,
    [
      'hunter2',
      '$2b$10$abcdefghijklmnopqrstuv',
      `$scrypt$ln=9,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
      `$scrypt$ln=19,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
      `$scrypt$ln=15,r=0,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
      `$scrypt$ln=15,r=8,p=17$${'A'.repeat(22)}$${'A'.repeat(43)}`,
      `$scrypt$ln=15,r=8,p=1$$${'A'.repeat(43)}`,
    ],
  ],
]
test.each(refused)('%s refuses what it cannot mean', (_, kind, texts) => {
  for (const text of texts) expect([text, kind.read(text)]).toEqual([text, undefined])
})

test('the longest time still fits the timers of Node', () => {
  expect(kinds.duration(1).read('24d')).toBeLessThan(2 ** 31)
})

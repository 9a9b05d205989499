import { expect, test } from 'vitest'
import { describeConfig } from '../../src/config/describe.ts'
import { configOf, partnerFaults, pin } from './folder.ts'

const backend = (name: string) => `{ name: ${name}, host: h, hostKeys: ["${pin}"] }`
const globals = `version: 1\nbackends: [${backend('main')}, ${backend('other')}]\ndefaults: { backend: main }\n`
const load = (partner: string) =>
  configOf({
    'gateway.yaml': `${globals}partners: p/*.yaml\n`,
    'p/a.yaml': `name: a\nmatch: { users: [a] }\n${partner}`,
  })

const two = 'paths: [{ ftp: /, sftp: /data/a/ }, { ftp: /out/, sftp: /export/a, backend: other, readOnly: true }]'

test('paths have their own place and backend, and a partner enters that of /', async () => {
  const { partners } = await load(`${two}\nsymlinks: follow\n`)
  expect(partners).toMatchObject([
    {
      backend: 'main',
      root: '/data/a',
      symlinks: 'follow',
      paths: [
        { ftp: '/', sftp: '/data/a', backend: 'main', readOnly: false },
        { ftp: '/out', sftp: '/export/a', backend: 'other', readOnly: true },
      ],
    },
  ])
  const moved = await load('paths: [{ ftp: /in, sftp: /a }, { ftp: /, sftp: /b, backend: other }]\n')
  expect(moved.partners).toMatchObject([{ backend: 'other', root: '/b' }])
})

test('what is printed of paths loads again to the same', async () => {
  const config = await load(`${two}\nsymlinks: inside\n`)
  const [, partner = ''] = describeConfig(config).split('\n# Partner a\n')
  const again = await load(partner.replace(/^#/gm, '').replace(/^name: .*\n|^match:\n(?: .*\n)+/gm, ''))
  expect(again.partners).toEqual(config.partners)
})

test('faults of paths have their places', async () => {
  const start = 'name: a\nmatch: { users: [a] }\n'
  expect(await partnerFaults(`${start}root: /x\npaths: [{ ftp: /, sftp: /y }]`)).toEqual([
    expect.stringContaining('3:7 root: and paths exclude each other; root: X is short for paths'),
  ])
  const faulty = '[{ ftp: in, sftp: /y }, { ftp: /a, sftp: ../y }, { sftp: /z }, { ftp: /b, sftp: /z, backend: mian }]'
  expect(await partnerFaults(`${start}paths: ${faulty}`)).toEqual([
    expect.stringContaining('paths[0].ftp: must be an absolute path'),
    expect.stringContaining('paths[1].sftp: must be an absolute path'),
    expect.stringContaining('paths[2].ftp: is missing'),
    expect.stringContaining('paths[3].backend: no backend is named "mian" (did you mean "main"?)'),
  ])
  expect(await partnerFaults(`${start}paths: [{ ftp: /a, sftp: /x }, { ftp: /a/, sftp: /y }]`)).toEqual([
    expect.stringContaining('paths[1].ftp: "/a" is the name of paths[0] already'),
  ])
})

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

test('what is printed of paths beside backends loads again to the same', async () => {
  const paths = 'paths: [{ ftp: /, sftp: /data/a }, { ftp: /old, sftp: /old, backend: third }]'
  const text = `${globals.replace('backends: [', `backends: [${backend('third')}, `)}partners: p/*.yaml\n`
  const loadThree = (partner: string) =>
    configOf({ 'gateway.yaml': text, 'p/a.yaml': `name: a\nmatch: { users: [a] }\n${partner}` })
  const config = await loadThree(`backends: [main, other]\n${paths}\n`)
  expect(config.partners).toMatchObject([
    { backend: 'main', backends: ['main', 'other'], paths: [{ backend: 'main' }, { backend: 'third' }] },
  ])
  const [, partner = ''] = describeConfig(config).split('\n# Partner a\n')
  const again = await loadThree(partner.replace(/^#/gm, '').replace(/^name: .*\n|^match:\n(?: .*\n)+/gm, ''))
  expect(again.partners).toEqual(config.partners)
})

test('beside backends that are tried in turn, no path names one of them, and the login starts on them', async () => {
  const faults = async (paths: string) => {
    const text = `${globals.replace('backends: [', `backends: [${backend('third')}, `)}partners: p/*.yaml\n`
    const start = 'name: a\nmatch: { users: [a] }\nbackends: [main, other]\n'
    const loading = configOf({ 'gateway.yaml': text, 'p/a.yaml': `${start}paths: ${paths}` })
    return loading.then(() => 'none', String)
  }
  for (const name of ['main', 'other']) {
    expect(await faults(`[{ ftp: /, sftp: /x }, { ftp: /b, sftp: /y, backend: ${name} }]`)).toContain(
      `paths[1].backend: "${name}" is one of backends, which are tried in turn; leave it out`,
    )
  }
  for (const paths of [
    '[{ ftp: /b, sftp: /y }, { ftp: /, sftp: /x, backend: third }]',
    '[{ ftp: /b, sftp: /y, backend: third }]',
  ]) {
    expect(await faults(paths)).toContain('.backend: a login starts in this path, so it has to be on backends')
  }
  expect(await faults('[{ ftp: /, sftp: /x }, { ftp: /b, sftp: /y, backend: third }]')).toBe('none')
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

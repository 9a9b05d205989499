import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { Dialogue } from '../support/dialogue.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { runOk } from '../support/run.ts'
import { type Sshd, startSshd } from '../support/sshd.ts'

/** In the bytes of every file that no partner may see. */
const secret = 'SECRET'
/** A file that no attack names, in every folder outside. */
const unseen = 'unseen-by-partners'
const secretBytes = `${secret} of somebody else, of a length that gives it away`

let main: Sshd
let other: Sshd
let gateway: TestGateway
let client: Dialogue

const root = () => join(main.home, 'data/acme')

/** Everything that the partner has no business with, as it is on the disk. */
function outside(): unknown {
  const folders = [main.home, join(main.home, 'data'), join(main.home, 'data/acme2'), join(main.home, 'outside')]
  const described = (path: string) => {
    const { mode, mtimeMs, ino, uid, nlink } = lstatSync(path)
    return {
      path,
      mode,
      ino,
      uid,
      ...(lstatSync(path).isFile() && { nlink, mtimeMs, bytes: readFileSync(path, 'latin1') }),
    }
  }
  return folders.map((folder) => readdirSync(folder).map((name) => described(join(folder, name))))
}

/** The folders of the tests as they are at the beginning. */
async function makeFiles(): Promise<void> {
  for (const name of readdirSync(main.home)) rmSync(join(main.home, name), { recursive: true })

  for (const folder of ['data/acme/in/deep', 'data/acme2', 'outside/folder', 'data/shared']) {
    mkdirSync(join(main.home, folder), { recursive: true })
  }
  writeFileSync(join(main.home, `${secret}-top`), secretBytes)
  for (const folder of ['.', 'data', 'data/acme2', 'outside', 'outside/folder']) {
    writeFileSync(join(main.home, folder, unseen), secretBytes)
    writeFileSync(join(main.home, folder, `${secret}-file`), secretBytes)
  }
  writeFileSync(join(root(), 'in/file'), 'mine')
  const links: Record<string, string> = {
    absolute: join(main.home, 'outside'),
    relative: '../../outside',
    chain: 'absolute',
    'chain-of-chains': 'chain/folder/..',
    'in/deep/up': '../../../../outside',
    neighbour: `${root()}2`,
    'neighbour-relative': '../acme2',
    'dots-behind-a-link': 'absolute/../outside',
    'dots-whole': join(root(), 'in/../../../outside'),
    'out-and-back': `../../outside/../data/acme/absolute`,
    'the-root': '/',
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root(), name))
  for (const folder of ['absolute', 'relative', 'neighbour']) {
    symlinkSync(`${folder}/${secret}-file`, join(root(), `file-behind-${folder}`))
  }
  symlinkSync(join(main.home, 'outside/none'), join(root(), 'dangling'))
  symlinkSync('in', join(root(), 'inner'))
  symlinkSync(join(root(), 'in/file'), join(root(), 'inner-file'))
  await runOk('chown', ['-Rh', `${main.user.name}:`, main.home])
}

beforeAll(async () => {
  ;[main, other] = await Promise.all([startSshd(), startSshd()])
  await makeFiles()
  const backend = (name: string, { host, port, fingerprints }: Sshd) => ({
    name,
    host,
    port,
    hostKeys: [fingerprints.ed25519],
  })
  const passwordHash = await hashPassword('right')
  const partner = (name: string, sshd: Sshd, more: object) => {
    const auth = { mode: 'local', passwordHash, sftp: { username: sshd.user.name, privateKey: 'login' } }
    return { name, match: { users: [name] }, auth, ...more }
  }
  // Both servers let the user in by either key.
  const keys = [main, other].map(({ folder }) => readFileSync(join(folder, 'login.pub'), 'utf8')).join('')
  for (const { folder } of [main, other]) writeFileSync(join(folder, 'authorized_keys'), keys)
  const paths = [
    { ftp: '/', sftp: root() },
    { ftp: '/out', sftp: join(other.home, 'export'), backend: 'other' },
    { ftp: '/shared', sftp: join(main.home, 'data/shared') },
    { ftp: '/fixed', sftp: join(main.home, 'data/shared'), readOnly: true },
  ]
  mkdirSync(join(other.home, 'export'))
  await runOk('chown', ['-Rh', `${other.user.name}:`, other.home])
  const partners = [
    partner('acme', main, { root: root() }),
    partner('mapped', main, { paths }),
    partner('follows', main, { root: root(), symlinks: 'follow' }),
  ]
  for (const each of partners) writeFileSync(join(main.folder, `p-${each.name}.yaml`), JSON.stringify(each))
  gateway = await startTestGateway({
    settings: {
      partners: join(main.folder, 'p-*.yaml'),
      backends: [backend('main', main), backend('other', other)],
      defaults: { backend: 'main' },
    },
  })
}, 60_000)
afterAll(async () => {
  await gateway?.stop()
  await main?.stop()
  await other?.stop()
})

const logIn = (user: string) =>
  Dialogue.logIn(
    { host: gateway.host, port: gateway.explicit, tls: 'explicit', certificate: gateway.certificate },
    user,
    'right',
  )

/** Sends a command with a data connection where it needs one; its code, and all that came back. */
async function attempt(line: string): Promise<{ readonly code: number; readonly seen: string }> {
  const verb = line.split(' ', 1)[0] ?? ''
  if (/^(STOR|APPE|STOU|RETR|LIST|NLST|MLSD)$/.test(verb)) {
    const upload = /^(STOR|APPE|STOU)$/.test(verb) ? Buffer.from('attack') : undefined
    const { code, content, replies } = await client.transfer(line, upload)
    return { code, seen: content.toString('latin1') + replies.flatMap(({ lines }) => lines).join('\n') }
  }
  await client.send(line)
  const { code, lines } = await client.reply()
  return { code, seen: lines.join('\n').replaceAll(line.slice(verb.length + 1), '') }
}

/** What would tell of the outside: bytes of its files, and names that nobody has said. */
const stolen = new RegExp(`${secret} of|${unseen}|root:x:0:0`)

const onOnePath = ['CWD', 'MLST', 'SIZE', 'MDTM', 'RETR', 'LIST', 'NLST', 'MLSD', 'STAT', 'XCRC', 'RNFR', 'LIST -R']
const changingOnePath = [
  'STOR',
  'APPE',
  'DELE',
  'MKD',
  'RMD',
  'MFMT 20200101000000',
  'SITE CHMOD 777',
  'SITE CHOWN 0:0',
  'SITE MKDIR',
  'SITE UTIME 20200101000000',
  'SITE SYMLINK /in/file',
  'SITE LINK /in/file',
  'SITE COPY in/file',
  'CPFR',
]

describe.each(['acme', 'mapped'])('the partner %s', (user) => {
  beforeAll(async () => {
    client = await logIn(user)
  })
  afterAll(() => client.close())
  beforeEach(async () => {
    await makeFiles()
    await client.dialogue('> CWD /', '< 250')
  })

  const paths = [
    `../${secret}-top`,
    `../../${secret}-top`,
    `/../../../../../../../../etc/passwd`,
    `in/../../../${secret}-top`,
    `/./../${secret}-top`,
    `....//....//${secret}-top`,
    `..\\..\\${secret}-top`,
    `%2e%2e/%2e%2e/${secret}-top`,
    `..%2f..%2f${secret}-top`,
    `..;/..;/${secret}-top`,
    `\xc0\xae\xc0\xae/\xc0\xae\xc0\xae/${secret}-top`,
    `\xe0\x80\xae\xe0\x80\xae/${secret}-top`,
    `~/../../${secret}-top`,
    `~root/${secret}-top`,
    `../acme2/${secret}-file`,
    `2/${secret}-file`,
    `/2/${secret}-file`,
    `//../acme2//${secret}-file`,
    '/etc/passwd',
    '/proc/self/root/etc/passwd',
  ]
  test.each(paths)('does not get out by the path %s', async (path) => {
    const before = outside()
    for (const command of [...onOnePath, ...changingOnePath]) {
      const { seen } = await attempt(`${command} ${path}`)
      expect(seen).not.toMatch(stolen)
    }
    await client.dialogue('> CWD /', '< 250')
    expect(outside()).toEqual(before)
  })

  const links = ['absolute', 'relative', 'chain', 'chain-of-chains', 'in/deep/up', 'neighbour', 'neighbour-relative']
  const odd = ['dots-behind-a-link', 'dots-whole', 'out-and-back', 'the-root']
  test.each([...links, ...odd])('does not get out by the link %s', async (link) => {
    const before = outside()
    for (const way of [link, `${link}/${secret}-file`, `${link}/new`, `${link}/folder`]) {
      // Without a name behind it some are about the link itself, which is the partner's.
      const commands = way === link ? onOnePath.filter((each) => !/RNFR|NLST|MLST|LIST|STAT/.test(each)) : onOnePath
      for (const command of [...commands, ...(way === link ? ['CPFR', 'SITE CHMOD 777'] : changingOnePath)]) {
        const { code, seen } = await attempt(`${command} ${way}`)
        expect([command, way, code, seen]).toEqual([
          command,
          way,
          expect.toSatisfy(isRefusal),
          expect.not.stringMatching(stolen),
        ])
      }
    }
    for (const command of ['MLST', 'LIST', 'NLST', 'MLSD', 'STAT', 'LIST -R', 'LIST -L']) {
      expect((await attempt(`${command} ${link}`)).seen).not.toMatch(stolen)
    }
    await client.dialogue(`> CWD ${link}`, '< 550', '> PWD', '< 257 "/"')
    expect(outside()).toEqual(before)
  })

  test.each(['file-behind-absolute', 'file-behind-relative', 'file-behind-neighbour', 'dangling'])(
    'neither reads nor writes the file behind the link %s',
    async (link) => {
      const before = outside()
      for (const command of [
        'RETR',
        'SIZE',
        'MDTM',
        'XCRC',
        'STOR',
        'APPE',
        'MFMT 20200101000000',
        'SITE CHMOD 777',
        'SITE CHOWN 0:0',
        'SITE COPY in/file',
        'CWD',
      ]) {
        const { code, seen } = await attempt(`${command} ${link}`)
        expect([command, code, seen]).toEqual([command, expect.toSatisfy(isRefusal), expect.not.stringMatching(stolen)])
      }
      await client.dialogue('> REST 3', '< 350')
      expect((await attempt(`STOR ${link}`)).code).toBe(550)
      for (const command of ['SITE LINK', 'SITE COPY'])
        expect((await attempt(`${command} ${link} copy`)).code).toBe(550)
      // Neither its size nor its time is told where the link is listed.
      const listed = (await attempt('MLSD')).seen + (await attempt('LIST -L')).seen
      expect(listed).not.toContain(`size=${secretBytes.length};`)
      expect(listed).not.toMatch(new RegExp(` ${secretBytes.length} .*${link}`))
      expect(outside()).toEqual(before)
    },
  )

  test('renames nothing to the outside and nothing from it', async () => {
    const before = outside()
    for (const target of [
      '../x',
      'absolute/x',
      'neighbour/x',
      `chain/${secret}-file`,
      '/absolute/folder/x',
      '../acme2/x',
    ]) {
      await client.dialogue('> RNFR in/file', '< 350')
      const { code } = await attempt(`RNTO ${target}`)
      // `..` ends at the root, where the client may have what it likes.
      if (code === 250) await client.dialogue(`> RNFR ${target}`, '< 350', '> RNTO in/file', '< 250')
      else expect(code).toBe(550)
    }
    for (const source of [
      `absolute/${secret}-file`,
      `chain/${secret}-file`,
      `neighbour/${secret}-file`,
      'absolute/folder',
    ]) {
      expect((await attempt(`RNFR ${source}`)).code).toBe(550)
      expect((await attempt('RNTO in/stolen')).code).toBe(503)
    }
    expect(outside()).toEqual(before)
    expect(readFileSync(join(root(), 'in/file'), 'utf8')).toBe('mine')
  })

  test('makes links that lead nowhere but inside, and does not move one to where it leads out', async () => {
    const before = outside()
    const texts = [
      `../../../${secret}-top`,
      '/etc/passwd',
      join(main.home, `${secret}-top`),
      `../acme2/${secret}-file`,
      '/',
    ]
    for (const [i, text] of texts.entries()) {
      await attempt(`SITE SYMLINK ${text} made-${i}`)
      expect((await attempt(`RETR made-${i}`)).code).toBe(550)
      await attempt(`MKD moved-${i}`)
      await client.dialogue(`> RNFR made-${i}`, '< 350', `> RNTO moved-${i}/made`, '< 250')
      expect((await attempt(`RETR moved-${i}/made`)).code).toBe(550)
      await client.dialogue(`> DELE moved-${i}/made`, '< 250', `> RMD moved-${i}`, '< 250')
    }
    expect(outside()).toEqual(before)
  })

  test('sees nothing outside by patterns', async () => {
    const patterns = [
      '../*',
      '../../*',
      '*/../../*',
      'absolute/*',
      'a*/*',
      '*/SECRET*',
      '{..,absolute}/*',
      'in/../../*',
      '[.][.]/*',
      '/../acme?/*',
    ]
    for (const pattern of patterns) {
      for (const command of ['LIST', 'NLST', 'LIST -R', 'STAT', 'LIST -La']) {
        expect([command, pattern, (await attempt(`${command} ${pattern}`)).seen]).toEqual([
          command,
          pattern,
          expect.not.stringMatching(stolen),
        ])
      }
    }
  })

  test('follows links that stay within, and removes those that do not', async () => {
    expect((await attempt('RETR inner/file')).seen).toContain('mine')
    expect((await attempt('RETR inner-file')).seen).toContain('mine')
    await client.dialogue('> CWD inner', '< 250', '> SIZE file', '< 213 4', '> CWD /', '< 250')
    symlinkSync(join(main.home, 'outside'), join(root(), 'to-be-removed'))
    const before = outside()
    await client.dialogue('> DELE to-be-removed', '< 250')
    expect(existsSync(join(root(), 'to-be-removed'))).toBe(false)
    expect(outside()).toEqual(before)
  })
})

describe('a path map over two servers', () => {
  beforeAll(async () => {
    client = await logIn('mapped')
  })
  afterAll(() => client.close())

  test('shows, enters, fills and empties the folders of both', async () => {
    const { seen } = await attempt('NLST /')
    expect(seen.split('\r\n')).toEqual(expect.arrayContaining(['/out', '/shared', '/fixed', '/in']))
    expect((await attempt('STOR /out/report')).code).toBe(226)
    expect(readFileSync(join(other.home, 'export/report'), 'utf8')).toBe('attack')
    await client.dialogue('> CWD /out', '< 250', '> PWD', '< 257 "/out"', '> SIZE report', '< 213 6')
    expect((await attempt('RETR report')).seen).toContain('attack')
    expect((await attempt('MLSD /')).seen).toMatch(/type=dir;.* out\r\n/)
    await client.dialogue('> CDUP', '< 250', '> PWD', '< 257 "/"')
  })

  test('renames between folders of one server, and refuses it between two with 553 before anything happens', async () => {
    writeFileSync(join(root(), 'in/moving'), 'moving')
    await runOk('chown', [`${main.user.name}:`, join(root(), 'in/moving')])
    await client.dialogue('> RNFR /in/moving', '< 350', '> RNTO /shared/moving', '< 250')
    expect(readFileSync(join(main.home, 'data/shared/moving'), 'utf8')).toBe('moving')
    await client.dialogue('> RNFR /shared/moving', '< 350', '> RNTO /out/moving', '< 553')
    await client.dialogue('> RNFR /out/report', '< 350', '> RNTO /in/report', '< 553')
    expect(existsSync(join(main.home, 'data/shared/moving'))).toBe(true)
    expect(readdirSync(join(other.home, 'export'))).toEqual(['report'])
  })

  test('answers 550 to changes in a path that is read-only, and says so in the fact perm', async () => {
    for (const line of ['STOR /fixed/x', 'DELE /fixed/moving', 'MKD /fixed/x', 'SITE CHMOD 777 /fixed/moving']) {
      expect([line, (await attempt(line)).code]).toEqual([line, 550])
    }
    expect((await attempt('MLST /fixed/moving')).seen).toContain('perm=r;')
    expect((await attempt('RETR /fixed/moving')).seen).toContain('moving')
  })

  test('answers 450 for what is on a server that is away, and the rest goes on', async () => {
    await other.stop()
    await expect
      .poll(async () => (await attempt('SIZE /out/report')).code, { timeout: 20_000, interval: 200 })
      .toBe(450)
    expect((await attempt('RETR /in/file')).seen).toContain('mine')
    expect((await attempt('NLST /')).seen).toContain('out')
  })
})

test('with symlinks: follow, links lead wherever the server lets them, and paths still do not', async () => {
  client = await logIn('follows')
  expect((await attempt(`RETR absolute/${secret}-file`)).seen).toContain(`${secret} of`)
  expect((await attempt(`RETR ../../outside/${secret}-file`)).code).toBe(550)
  client.close()
})

function isRefusal(code: unknown): boolean {
  return code === 550 || code === 450 || code === 553 || code === 503
}

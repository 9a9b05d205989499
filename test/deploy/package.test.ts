import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run, runOk } from '../support/run.ts'

const { version, dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))

describe('The package', () => {
  let folder: string
  let root: string
  let files: readonly string[]
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'package-'))
    const said = await runOk('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
    const [packed] = JSON.parse(said.toString())
    files = packed.files.map((file: { readonly path: string }) => file.path)
    await runOk('tar', ['-C', folder, '-xf', join(folder, packed.filename)])
    root = join(folder, 'package')
  }, 120_000)
  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  test('holds the program, the examples with their schemas, and what operators need', () => {
    const needed = ['dist/main.js', 'config/gateway.yaml', 'config/gateway.schema.json', 'config/partners.d/acme.yaml']
    const operators = [
      'deploy/install.md',
      'deploy/systemd/ftps-gateway.service',
      'LICENSE',
      'README.md',
      'SECURITY.md',
    ]
    expect(files).toEqual(expect.arrayContaining([...needed, ...operators]))
  })

  test('holds no tests, no sources of tests, and nothing of a machine or an account', () => {
    const wrong =
      /(^|\/)(test|tests|node_modules|src|\.ci|\.git[^/]*|\.npmrc|\.env[^/]*)(\/|$)|\.test\.|\.(pem|key|crt|p12|log|tgz)$|id_(rsa|ed25519)/
    expect(files.filter((file) => wrong.test(file))).toEqual([])
    const top = new Set(files.map((file) => file.split('/')[0]))
    const allowed = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'config', 'deploy', 'dist', 'package.json']
    expect([...top].sort()).toEqual(allowed)
  })

  test('has maps of its own sources only, one for each module', () => {
    const maps = files.filter((file) => file.endsWith('.map'))
    for (const map of maps) {
      const { sources } = JSON.parse(readFileSync(join(root, map), 'utf8'))
      const source = map.replace(/^dist\//, 'src/').replace(/\.js\.map$/, '.ts')
      expect(sources.map((path: string) => resolve('/', map, '..', path))).toEqual([`/${source}`])
      expect(existsSync(source), `${source} is gone: npm run build leaves old modules in dist`).toBe(true)
    }
    expect(maps.length).toBe(files.filter((file) => /^dist\/.*\.js$/.test(file)).length)
  })

  test('has no secrets in it', () => {
    const secret =
      /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}|_authToken|\$scrypt\$ln=\d+,r=\d+,p=\d+\$[A-Za-z0-9+/]{16}/
    const leaking = files.filter((file) => secret.test(readFileSync(join(root, file), 'latin1')))
    expect(leaking).toEqual([])
  })

  test('runs where it is unpacked, with its runtime packages beside it', async () => {
    symlinkSync(resolve('node_modules'), join(root, 'node_modules'))
    const said = await run(process.execPath, [join(root, 'dist/main.js'), 'version'])
    expect({ code: said.code, stdout: said.stdout.toString() }).toEqual({ code: 0, stdout: `${version}\n` })
    expect(statSync(join(root, 'deploy/image/build.sh')).mode & 0o111).not.toBe(0)
  })
})

test('The bill of materials names the application and every runtime package with its version and hash', async () => {
  const said = await runOk(resolve('deploy/sbom.sh'), [], { timeoutMs: 120_000 })
  const { bomFormat, metadata, components } = JSON.parse(said.toString())
  expect(bomFormat).toBe('CycloneDX')
  expect(metadata.component).toMatchObject({ type: 'application', name: 'ftps-sftp-gateway', version })
  const names = components.map(({ name }: { name: string }) => name)
  expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)))
  expect(names).not.toContain('vitest')
  // These name it in the old form (MIT), which npm does not read.
  const silent = ['ssh2', 'cpu-features', 'buildcheck']
  for (const { name, purl, licenses, hashes } of components) {
    expect(purl).toContain('pkg:npm/')
    expect({ name, hashes: hashes.length }).toEqual({ name, hashes: 1 })
    if (!silent.includes(name)) expect({ name, licences: licenses?.length }).toEqual({ name, licences: 1 })
  }
})

test('Every file that the install notes name is there', () => {
  const text = readFileSync('deploy/install.md', 'utf8')
  const named = [
    ...text.matchAll(/(?:deploy|config)\/[\w./-]*\w|ftps-gateway[\w-]*\.(?:service|socket|[a-z]+\.conf)/g),
  ].map(([path]) => path)
  const shipped = readdirSync('deploy/systemd')
  expect(named.length).toBeGreaterThan(4)
  // What systemd finds once it is installed has the name without its kind.
  const installed = ['ftps-gateway.conf']
  const missing = named.filter((path) => !existsSync(path) && !shipped.includes(path) && !installed.includes(path))
  expect(missing).toEqual([])
})

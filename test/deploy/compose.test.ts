import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { neededPorts } from '../../src/cli/needed-ports.ts'
import { loadConfig } from '../../src/config/load.ts'
import { program } from '../support/packages.ts'
import { run, runOk } from '../support/run.ts'
import { documentsOf, type Manifest } from './yaml.ts'

const [compose] = documentsOf('deploy/compose.yaml')
const services: Readonly<Record<string, Manifest>> = compose.services
const gateway = services['gateway']

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'compose-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

async function config() {
  await runOk('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'ed25519')])
  const [type, key] = readFileSync(join(folder, 'ed25519.pub'), 'utf8').split(' ')
  writeFileSync(join(folder, 'known_hosts'), `backend ${type} ${key}\n`)
  const text = readFileSync('deploy/compose/gateway/gateway.yaml', 'utf8')
    .replace('/run/backend/', `${folder}/`)
    .replace('/var/lib/ftps-gateway', join(folder, 'state'))
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, text)
  return loadConfig(file, {})
}

describe('The compose file', () => {
  test('publishes every port that clients need, under its own number and on this machine only', async () => {
    const published: readonly string[] = gateway.ports
    const { ports } = neededPorts(await config())
    const needed = ports.filter(({ direction }) => direction === 'in')
    expect(needed.length).toBe(3)
    for (const { first, last } of needed) {
      const range = first === last ? `${first}` : `${first}-${last}`
      expect(published).toContain(`127.0.0.1:${range}:${range}`)
    }
    for (const service of Object.values(services))
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/)
  })

  test('leads the gateway to the backend, whose host key it pins', async () => {
    const { backends } = await config()
    expect(backends).toMatchObject([{ host: 'backend', port: 22, knownHosts: join(folder, 'known_hosts') }])
    expect(gateway.depends_on).toEqual({ backend: { condition: 'service_healthy' } })
    expect(gateway.volumes).toContain('backend-known-hosts:/run/backend:ro')
    expect(services['backend'].volumes).toContain('backend-known-hosts:/run/known-hosts')
  })

  test('runs the gateway with a read-only root and no rights, and leaves its transfers time', () => {
    expect(gateway).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    expect(gateway.stop_grace_period).toBe('16m')
  })

  test('keeps the admin port on loopback, where Prometheus scrapes it and Grafana finds Prometheus', async () => {
    const { admin } = await config()
    expect(services['prometheus'].network_mode).toBe('service:gateway')
    const [prometheus] = documentsOf('deploy/compose/prometheus.yml')
    expect(prometheus.scrape_configs[0].static_configs[0].targets).toEqual([`${admin?.address}:${admin?.port}`])
    const [{ datasources }] = documentsOf('deploy/compose/grafana/datasource.yaml')
    expect(datasources[0].url).toBe('http://gateway:9090')
    expect(gateway.ports).toContain('127.0.0.1:9090:9090')
  })

  test('names files and volumes that are there, and no password', () => {
    const volumes = Object.keys(compose.volumes)
    // Of rules and dashboards the folders are enough.
    const folders = ['./prometheus', './grafana']
    for (const { volumes: mounts = [] } of Object.values(services)) {
      for (const [source = ''] of (mounts as string[]).map((mount) => mount.split(':'))) {
        const there = source.startsWith('.')
          ? folders.includes(source) || existsSync(join('deploy', source))
          : volumes.includes(source)
        expect({ source, there }).toEqual({ source, there: true })
      }
    }
    expect(services['backend'].environment.FTP_PASSWORD).toMatch(/^\$\{FTP_PASSWORD:\?/)
    for (const { image = 'x:1', build } of Object.values(services))
      if (!build) expect(image).toMatch(/:v?\d+\.\d+\.\d+$/)
  })

  test('has a backend whose sshd takes its settings, and whose start is a shell script', async () => {
    await runOk('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'ed25519')])
    const settings = readFileSync('deploy/compose/openssh/sshd_config', 'utf8')
    const file = join(folder, 'sshd_config')
    writeFileSync(file, settings.replace('/etc/ssh/keys', folder))
    const tried = await run(program('sshd'), ['-t', '-f', file])
    expect({ code: tried.code, stderr: tried.stderr }).toEqual({ code: 0, stderr: '' })
    expect((await run('sh', ['-n', resolve('deploy/compose/openssh/start.sh')])).code).toBe(0)
  })
})

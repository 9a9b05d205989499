import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { neededPorts } from '../../src/cli/needed-ports.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { gatewaySchema } from '../../src/config/schema.ts'
import { environmentName, keysOf } from '../../src/config/table.ts'
import { testCertificate } from '../support/certificates.ts'
import { documentsOf, type Manifest } from './yaml.ts'

const folderOf = 'deploy/kubernetes'
const [kustomization] = documentsOf(join(folderOf, 'kustomization.yaml'))
const all: readonly Manifest[] = kustomization.resources.flatMap((file: string) => documentsOf(join(folderOf, file)))
const set = one('StatefulSet', 'ftps-gateway')
const pod = set.spec.template.spec
const [container] = pod.containers
const env: readonly Manifest[] = container.env

function one(kind: string, name: string): Manifest {
  const found = all.filter((each) => each.kind === kind && each.metadata.name === name)
  if (found.length !== 1) throw new Error(`${found.length} of ${kind} ${name}`)
  return found[0]
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubernetes-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** The configuration as pod `index` sees it. */
async function configOf(index: number): Promise<Config> {
  const { cert, key } = await testCertificate()
  mkdirSync(join(folder, 'tls'), { recursive: true })
  writeFileSync(join(folder, 'tls/tls.crt'), cert)
  writeFileSync(join(folder, 'tls/tls.key'), key)
  const text = one('ConfigMap', 'ftps-gateway')
    .data['gateway.yaml'].replace('SHA256:put-the-fingerprint-of-the-server-here', `SHA256:${'A'.repeat(43)}`)
    .replaceAll('/run/ftps-gateway/', `${folder}/`)
    .replaceAll('/var/lib/ftps-gateway', join(folder, 'state'))
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, text)
  const values = { POD_NAME: `ftps-gateway-${index}`, FTPS_GATEWAY_PASSIVE_SLICE_INDEX: String(index) }
  const given = env.filter(({ value }) => value !== undefined)
  const settings = given.map(({ name, value }) => [name, value.replace('$(POD_NAME)', values.POD_NAME)])
  return loadConfig(file, { ...Object.fromEntries(settings), ...values })
}

describe('The manifests for Kubernetes', () => {
  test('set what the gateway reads from its environment, by names that it knows', () => {
    const known = keysOf(gatewaySchema).map(environmentName)
    const ours = env.map(({ name }) => name).filter((name) => name.startsWith('FTPS_GATEWAY_'))
    expect(ours.length).toBe(3)
    for (const name of ours) expect(known).toContain(name)
    const index = env.find(({ name }) => name === 'FTPS_GATEWAY_PASSIVE_SLICE_INDEX')
    expect(index.valueFrom.fieldRef.fieldPath).toBe(`metadata.labels['apps.kubernetes.io/pod-index']`)
    const count = env.find(({ name }) => name === 'FTPS_GATEWAY_PASSIVE_SLICE_COUNT')
    expect(Number(count.value)).toBe(set.spec.replicas)
  })

  test.each([0, 1])('give pod %i a Service with its listeners and exactly its slice, on one address', async (index) => {
    const config = await configOf(index)
    const service = one('Service', `ftps-gateway-${index}`)
    expect(service.spec.selector).toMatchObject({ 'statefulset.kubernetes.io/pod-name': `ftps-gateway-${index}` })
    expect(service.spec.externalTrafficPolicy).toBe('Local')
    const named = Object.fromEntries(container.ports.map((port: Manifest) => [port.name, port.containerPort]))
    const behind = service.spec.ports.map(({ targetPort }: Manifest) => named[targetPort] ?? targetPort)
    const fromClients = neededPorts(config).ports.filter(
      ({ direction, peers }) => direction === 'in' && peers === 'clients',
    )
    const needed = fromClients.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i),
    )
    expect(behind).toEqual(needed)
    const passive = service.spec.ports.filter(({ targetPort }: Manifest) => typeof targetPort === 'number')
    for (const { port, targetPort } of passive) expect(port).toBe(targetPort)
    expect(service.metadata.annotations['external-dns.alpha.kubernetes.io/hostname'].split(',')).toContain(
      config.passive.advertise,
    )
  })

  test('have as many Services for pods as there are pods', () => {
    const services = all.filter(({ kind, spec }) => kind === 'Service' && spec.type === 'LoadBalancer')
    expect(services.length).toBe(set.spec.replicas)
    expect(one('Service', set.spec.serviceName).spec.clusterIP).toBe('None')
  })

  test('probe the admin server where it listens, and stay ready while draining', async () => {
    const { admin, shutdown } = await configOf(0)
    const port = container.ports.find(({ name }: Manifest) => name === 'admin').containerPort
    expect(admin).toEqual({ address: '0.0.0.0', port })
    const paths = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((name) => container[name].httpGet)
    expect(paths).toEqual([
      { path: '/healthz', port: 'admin' },
      { path: '/healthz', port: 'admin' },
      { path: '/readyz', port: 'admin' },
    ])
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(shutdown.drainMs + 5_000)
  })

  test('run as nobody in particular, with a root that is read-only', () => {
    expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } })
    expect(pod.securityContext.seccompProfile.type).toBe('RuntimeDefault')
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    const [, user] = /^USER (\d+):\d+$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? []
    expect(pod.securityContext.runAsUser).toBe(Number(user))
  })

  test('mount what they name, and nothing within something that is read-only', () => {
    const volumes = [...pod.volumes, ...set.spec.volumeClaimTemplates.map(({ metadata }: Manifest) => metadata)]
    const mounts: readonly Manifest[] = container.volumeMounts
    expect(mounts.map(({ name }) => name).sort()).toEqual(volumes.map(({ name }: Manifest) => name).sort())
    const paths = mounts.map(({ mountPath }) => mountPath)
    for (const path of paths) expect(paths.filter((outer) => path.startsWith(`${outer}/`))).toEqual([])
    expect(pod.volumes.find(({ name }: Manifest) => name === 'config').configMap.name).toBe('ftps-gateway')
  })

  test('select the pods that the set makes, and let in what the Services lead to', () => {
    const { labels } = set.spec.template.metadata
    const policy = one('NetworkPolicy', 'ftps-gateway')
    const budget = one('PodDisruptionBudget', 'ftps-gateway')
    for (const { matchLabels } of [set.spec.selector, policy.spec.podSelector, budget.spec.selector])
      expect(labels).toMatchObject(matchLabels)
    const open = policy.spec.ingress.flatMap(({ ports }: Manifest) => ports)
    const lets = (port: number) =>
      open.some((rule: Manifest) => port >= rule.port && port <= (rule.endPort ?? rule.port))
    for (const { containerPort } of container.ports) expect(lets(containerPort)).toBe(true)
    for (const port of [50_000, 50_024, 50_025, 50_049]) expect(lets(port)).toBe(true)
    expect(lets(50_050)).toBe(false)
  })
})

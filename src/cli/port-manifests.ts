import { isIP, isIPv4 } from 'node:net'
import type { NeededPorts, Needs } from './needed-ports.ts'

const app = { 'app.kubernetes.io/name': 'ftps-gateway' }

/** A Service with every port that clients need (a Service takes no ranges), and a NetworkPolicy for both directions. */
export function kubernetes({ ports }: Needs): string {
  return `${JSON.stringify(service(ports), undefined, 2)}\n---\n${JSON.stringify(policy(ports), undefined, 2)}\n`
}

function service(ports: readonly NeededPorts[]): object {
  const clients = ports.filter(({ direction, peers }) => direction === 'in' && peers === 'clients')
  const open = [...new Set(clients.flatMap(({ first, last }) => numbers(first, last)))]
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'ftps-gateway', labels: app },
    spec: {
      type: 'LoadBalancer',
      // The gateway wants the client's own address: data connections have to come from it.
      externalTrafficPolicy: 'Local',
      selector: app,
      ports: open.map((port) => ({ name: `tcp-${port}`, protocol: 'TCP', port, targetPort: port })),
    },
  }
}

function policy(ports: readonly NeededPorts[]): object {
  const incoming = ports.filter(({ direction }) => direction === 'in')
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'ftps-gateway', labels: app },
    spec: {
      podSelector: { matchLabels: app },
      policyTypes: ['Ingress', 'Egress'],
      ingress: incoming.map((one) => ({ ports: openings(one) })),
      egress: ports.filter(({ direction }) => direction === 'out').map(outgoing),
    },
  }
}

function outgoing(one: NeededPorts): object {
  const { address = '' } = one
  const cidr = isIP(address) === 0 ? undefined : `${address}/${isIPv4(address) ? 32 : 128}`
  // A policy knows no names of hosts.
  return { ports: openings(one), ...(cidr !== undefined && { to: [{ ipBlock: { cidr } }] }) }
}

function openings({ first, last, udp }: NeededPorts): object[] {
  const end = first === last ? {} : { endPort: last }
  return (udp ? ['TCP', 'UDP'] : ['TCP']).map((protocol) => ({ protocol, port: first, ...end }))
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

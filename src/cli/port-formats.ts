import { isIPv4, isIPv6 } from 'node:net'
import type { NeededPorts, Needs } from './needed-ports.ts'
import { kubernetes } from './port-manifests.ts'

/** How `ports` can say what has to be open. */
export const portFormats = {
  text,
  nftables,
  ufw,
  firewalld,
  'security-group': securityGroup,
  kubernetes,
} satisfies Readonly<Record<string, (needs: Needs) => string>>

export type PortFormat = keyof typeof portFormats

const anywhere: ReadonlySet<string | undefined> = new Set([undefined, '::', '0.0.0.0'])

/** A numeric address that only some of the traffic has; undefined for all, and for names. */
function numeric({ address }: NeededPorts): string | undefined {
  return address !== undefined && !anywhere.has(address) && (isIPv4(address) || isIPv6(address)) ? address : undefined
}

function protocols({ udp }: NeededPorts): readonly string[] {
  return udp ? ['tcp', 'udp'] : ['tcp']
}

function range({ first, last }: { readonly first: number; readonly last: number }, between: string): string {
  return first === last ? String(first) : `${first}${between}${last}`
}

/** For people: a line for each, incoming first. */
function text({ ports, unfixed }: Needs): string {
  const heading = ['direction', 'ports', 'address', 'peers', 'what for']
  const rows = ports.map((one) => {
    const { direction, address, source, peers, purpose } = one
    const from = source ? `, from ${range(source, '-')}` : ''
    const dialled = one.last === 65535 && one.first === 1 ? 'any' : range(one, '-')
    return [
      direction,
      dialled + from + (one.udp ? ' tcp, udp' : ''),
      anywhere.has(address) ? 'any' : (address ?? ''),
      peers,
      purpose,
    ]
  })
  const widths = heading.map((_, i) => Math.max(...[heading, ...rows].map((row) => row[i]?.length ?? 0)))
  const lines = [heading, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const missing = unfixed.map(({ key }) => `any free port, which no firewall can know: ${key}`)
  return `${[...lines, ...missing].join('\n')}\n`
}

/** Rules for the chains that Debian's /etc/nftables.conf has; `nft -f` adds them behind those that are there. */
function nftables({ ports }: Needs): string {
  const rule = (one: NeededPorts) => {
    const address = numeric(one)
    const to = address === undefined ? '' : `${isIPv4(address) ? 'ip' : 'ip6'} daddr ${address} `
    const from = one.source ? `tcp sport ${range(one.source, '-')} ` : ''
    return protocols(one).map(
      (protocol) => `    ${from}${to}${protocol} dport ${range(one, '-')} accept comment "${comment(one)}"`,
    )
  }
  const chain = (name: string, direction: NeededPorts['direction']) =>
    `  chain ${name} {\n    ct state established,related accept\n${of(ports, direction).flatMap(rule).join('\n')}\n  }\n`
  return `table inet filter {\n${chain('input', 'in')}${chain('output', 'out')}}\n`
}

function ufw({ ports }: Needs): string {
  const command = (one: NeededPorts) =>
    protocols(one).map((protocol) => {
      const from = one.source ? `from any port ${range(one.source, ':')} ` : ''
      const allow = `ufw allow${one.direction === 'out' ? ' out' : ''}`
      return `${allow} proto ${protocol} ${from}to ${numeric(one) ?? 'any'} port ${range(one, ':')} comment '${comment(one)}'`
    })
  return `${[...of(ports, 'in'), ...of(ports, 'out')].flatMap(command).join('\n')}\n`
}

/** firewalld filters what comes in; what goes out it lets through unless told otherwise by policies. */
function firewalld({ ports }: Needs): string {
  const service = (name: string, ours: readonly NeededPorts[]) => [
    `firewall-cmd --permanent --new-service=${name}`,
    ...[...new Set(ours.map((one) => range(one, '-')))].map(
      (open) => `firewall-cmd --permanent --service=${name} --add-port=${open}/tcp`,
    ),
    `firewall-cmd --permanent --add-service=${name}`,
  ]
  const forPeers = (peers: NeededPorts['peers']) => of(ports, 'in').filter((one) => one.peers === peers)
  const [clients, monitoring] = [forPeers('clients'), forPeers('monitoring')]
  const lines = [
    ...(clients.length > 0 ? service('ftps-gateway', clients) : []),
    ...(monitoring.length > 0
      ? ['# for the zone of the monitoring only', ...service('ftps-gateway-admin', monitoring)]
      : []),
    'firewall-cmd --reload',
  ]
  return `${lines.join('\n')}\n`
}

/** Commands for AWS. Monitoring and backends are to be narrowed down to their own groups or networks. */
function securityGroup({ ports }: Needs): string {
  const permission = (one: NeededPorts) => {
    const address = one.direction === 'out' ? numeric(one) : undefined
    const note = { Description: comment(one) }
    const v4 =
      address === undefined || isIPv4(address) ? [{ CidrIp: address ? `${address}/32` : '0.0.0.0/0', ...note }] : []
    const v6 =
      address === undefined || isIPv6(address) ? [{ CidrIpv6: address ? `${address}/128` : '::/0', ...note }] : []
    return protocols(one).map((IpProtocol) => ({
      IpProtocol,
      FromPort: one.first,
      ToPort: one.last,
      ...(v4.length > 0 && { IpRanges: v4 }),
      ...(v6.length > 0 && { Ipv6Ranges: v6 }),
    }))
  }
  const command = (verb: string, direction: NeededPorts['direction']) => {
    const permissions = JSON.stringify(of(ports, direction).flatMap(permission), undefined, 2)
    return `aws ec2 authorize-security-group-${verb} --group-id "$GROUP" --ip-permissions '${permissions}'\n`
  }
  return command('ingress', 'in') + command('egress', 'out')
}

function of(ports: readonly NeededPorts[], direction: NeededPorts['direction']): readonly NeededPorts[] {
  return ports.filter((one) => one.direction === direction)
}

/** Within quotes of every kind; AWS allows fewer characters than others. Names of hosts and listeners have no others. */
function comment({ purpose, address, direction }: NeededPorts): string {
  const where = direction === 'out' && address !== undefined ? ` at ${address}` : ''
  return (purpose + where).replace(/[^\w .:,/-]/g, ' ').slice(0, 120)
}

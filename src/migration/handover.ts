import { commandExamples } from './handover-commands.ts'
import { type HandoverFacts, keyName } from './handover-facts.ts'
import { keyTypes, rsaBitsMin } from './public-key.ts'
import type { Part, Section, Sheet } from './sheet.ts'

/** One page that a partner needs to move to SFTP. */
export function handoverSheet(facts: HandoverFacts): Sheet {
  const { partner, title, server, user, dates, contact, link } = facts
  const asks = [...(contact ? [`Questions: ${contact}`] : []), ...(link ? [`More: ${link}`] : [])]
  return {
    title: `From FTPS to SFTP: ${title ?? partner}`,
    sections: [
      {
        title: 'The server',
        parts: [
          {
            kind: 'list',
            items: [`Host: ${server.host}`, `Port: ${server.port} (TCP, the only one)`, `User: ${user}`],
          },
          { kind: 'text', text: 'Login by key; the FTPS password is not used. These are the keys of the server:' },
          ...hostKeyParts(facts),
        ],
      },
      { title: 'Your key', parts: keyParts(partner) },
      { title: 'Your folders', parts: folderParts(facts) },
      { title: 'The same transfer by SFTP', parts: commandExamples(facts) },
      { title: 'What is different', parts: [{ kind: 'list', items: [...different, ...facts.found] }] },
      ...listSection(
        'Dates',
        dates.map(({ day, what }) => `${day}: ${what}`),
      ),
      ...listSection('Contact', asks),
    ],
  }
}

function listSection(title: string, items: readonly string[]): readonly Section[] {
  return items.length === 0 ? [] : [{ title, parts: [{ kind: 'list', items }] }]
}

/** With another port the name is in brackets (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export function knownHostsLines({
  server: { host, port },
  hostKeys,
}: Pick<HandoverFacts, 'server' | 'hostKeys'>): string {
  const name = port === 22 ? host : `[${host}]:${port}`
  return hostKeys.map(({ type, blob }) => `${name} ${type} ${blob.toString('base64')}`).join('\n')
}

function hostKeyParts(facts: HandoverFacts): readonly Part[] {
  return [
    { kind: 'list', items: facts.hostKeys.map(({ type, fingerprint }) => `${type} ${fingerprint}`) },
    {
      kind: 'code',
      id: 'known-hosts',
      label: 'As lines of a known_hosts file:',
      text: knownHostsLines(facts),
    },
  ]
}

function keyParts(partner: string): readonly Part[] {
  const file = keyName(partner)
  return [
    {
      kind: 'text',
      text: `Accepted are ${keyTypes.filter((type) => type !== 'ssh-rsa').join(', ')}, and ssh-rsa of ${rsaBitsMin} bits or more. Send the public key only (it ends in .pub), from the address that we know; we compare its fingerprint with you by telephone.`,
    },
    {
      kind: 'code',
      id: 'make-key',
      label: 'With OpenSSH, on Linux, macOS and Windows 10 or later:',
      text: `ssh-keygen -t ed25519 -f ${file}\nssh-keygen -lf ${file}.pub`,
    },
    {
      kind: 'text',
      text: 'With WinSCP or PuTTY: PuTTYgen, type EdDSA (Ed25519), Generate, Save private key; send what stands in the field "Public key for pasting".',
    },
  ]
}

function folderParts({ root, paths }: HandoverFacts): readonly Part[] {
  if (paths !== undefined) {
    const items = [...paths].reverse().map(({ ftp, there, readOnly }) => {
      const place = there === undefined ? 'is not on this server: please ask' : `was by FTPS what is ${there} by SFTP`
      return `${ftp} ${place}${readOnly ? '; nothing can be changed there' : ''}`
    })
    return [
      { kind: 'text', text: 'Of names that fit, the longest counts:' },
      { kind: 'list', items },
    ]
  }
  if (root === undefined || root === '/') {
    return [{ kind: 'text', text: 'They have the same names: what was /out/file by FTPS is /out/file by SFTP.' }]
  }
  return [{ kind: 'list', items: [`What was / by FTPS is ${root} by SFTP`, `What was /out/file is ${root}/out/file`] }]
}

const different = [
  'One connection to one port: no passive ports, no second connection, no certificate.',
  'Files are transferred as they are: line ends are not converted (no TYPE A).',
  'Times are in UTC.',
  'There is no SITE, no STOU, and no checksum by the server.',
  'A file under its final name may still be being written: write to another name and rename it when it is complete.',
]

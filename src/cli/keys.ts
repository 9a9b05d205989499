import { readText } from '../config/files.ts'
import { addPartnerKey, readPartnerKeys } from '../migration/partner-keys.ts'
import { readPublicKey } from '../migration/public-key.ts'
import { exit } from './exit.ts'
import { configFor, ownFingerprints, partnerNamed } from './state.ts'
import { parseOptionsAndWords, UsageError, type Verb } from './verb.ts'

export const keys: Verb = {
  name: 'keys',
  synopsis: 'add PARTNER FILE --config FILE',
  summary: 'take in the public key that a partner has sent',
  details: `  add PARTNER FILE   its public key, as ssh-keygen or PuTTYgen write it
  --config FILE      the configuration, see config/gateway.yaml

Refuses private keys, DSA, RSA below 3072 bits, and a key that another partner has. Prints the fingerprint, to be compared by
telephone, and the line for authorized_keys on the SFTP server. With state.directory the key is remembered, in
keys/PARTNER.authorized_keys there.

  ftps-gateway keys add acme acme.pub --config gateway.yaml
`,
  async run(args, io) {
    const { words, options } = parseOptionsAndWords(args, { config: { type: 'string' } })
    const [what, name, file, ...more] = words
    if (what !== 'add' || name === undefined || file === undefined) throw new UsageError('keys needs add PARTNER FILE')
    if (more.length > 0) throw new UsageError(`there is a word too many: ${more[0]}`)
    const config = await configFor('keys', options.config, io)
    const partner = partnerNamed(config, name)
    const key = readPublicKey(await textOf(file))
    if (key.kind === 'refused') return refuse(`${file} is refused: ${key.why}`, io.stderr)
    const { directory } = config.state
    const known = directory === undefined ? [] : await readPartnerKeys(directory)
    const there = known.find(({ fingerprint }) => fingerprint === key.fingerprint)
    if (there && there.partner !== partner.name) {
      return refuse(
        `${file} is refused: partner ${there.partner} has the same key; each needs one of its own`,
        io.stderr,
      )
    }
    if (ownFingerprints(config).has(key.fingerprint)) {
      return refuse(`${file} is refused: it belongs to a key of the gateway's own`, io.stderr)
    }
    io.stderr.write(`${key.type} ${key.fingerprint}\nCompare it with what ${partner.name} says, by telephone.\n`)
    if (there) io.stderr.write('It is there already.\n')
    else if (directory === undefined) io.stderr.write('It is not remembered: state.directory is not set.\n')
    else io.stderr.write(`Added to ${await addPartnerKey(directory, partner.name, key.line)}\n`)
    io.stdout.write(`${key.line}\n`)
    return exit.ok
  },
}

async function textOf(file: string): Promise<string> {
  return readText(file).catch((error: Error) => {
    throw new UsageError(`${file} ${error.message}`)
  })
}

function refuse(message: string, stderr: { write(text: string): unknown }): number {
  stderr.write(`ftps-gateway: ${message}\n`)
  return exit.failure
}

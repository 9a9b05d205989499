import { hasArgon2 } from '../partners/argon2.ts'
import { hashPassword, hashPasswordArgon2id } from '../partners/password-hash.ts'
import { exit } from './exit.ts'
import { readPassword } from './read-password.ts'
import { parseOptions, UsageError, type Verb } from './verb.ts'

export const hashPasswordVerb: Verb = {
  name: 'hash-password',
  synopsis: '[--argon2id]',
  summary: 'make the passwordHash of a partner from a password on standard input',
  details: `Asks for the password on a terminal, without showing it; otherwise takes the one line that it is given:

  ftps-gateway hash-password < password.txt

  --argon2id   an argon2id hash in place of a scrypt one; needs Node 24.7 or later, here and where the gateway runs
`,
  async run(args, { stdin, stdout, stderr }) {
    const { argon2id = false } = parseOptions(args, { argon2id: { type: 'boolean' } })
    if (argon2id && !hasArgon2) throw new UsageError(`--argon2id needs Node 24.7 or later, this is ${process.version}`)
    const password = await readPassword(stdin, stderr)
    stdout.write(`${await (argon2id ? hashPasswordArgon2id(password) : hashPassword(password))}\n`)
    return exit.ok
  },
}

import { hashPassword } from '../partners/password-hash.ts'
import { exit } from './exit.ts'
import { readPassword } from './read-password.ts'
import { parseOptions, type Verb } from './verb.ts'

export const hashPasswordVerb: Verb = {
  name: 'hash-password',
  synopsis: '',
  summary: 'make the passwordHash of a partner from a password on standard input',
  details: `Asks for the password on a terminal, without showing it; otherwise takes the one line that it is given:

  ftps-gateway hash-password < password.txt
`,
  async run(args, { stdin, stdout, stderr }) {
    parseOptions(args, {})
    const password = await readPassword(stdin, stderr)
    stdout.write(`${await hashPassword(password)}\n`)
    return exit.ok
  },
}

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { dayAndTime } from '../migration/report-columns.ts'
import { acceptedIn } from '../migration/sftp-log.ts'
import { type Accepted, withLogins } from '../migration/sftp-logins.ts'
import { readSftpLogins, writeSftpLogins } from '../migration/sftp-logins-file.ts'
import { exit } from './exit.ts'
import { configFor, ownFingerprints, sftpUsersOf, stateDirectory } from './state.ts'
import { type Io, parseOptionsAndWords, UsageError, type Verb } from './verb.ts'

export const importVerb: Verb = {
  name: 'import',
  synopsis: 'sftp-log FILE --config FILE [--ignore ADDRESS]',
  summary: "read from the SFTP server's log which partners log in there by themselves",
  details: `  sftp-log FILE       auth.log of OpenSSH, or what journalctl -u ssh -o json prints; - for standard input
  --config FILE       the configuration, see config/gateway.yaml
  --ignore ADDRESS    logins from there are not a partner's; may be given several times

A login by key of a partner's user is the one proof that it has moved. Logins with the gateway's own keys do not count; name
its addresses with --ignore where it logs in with others. Reading the same log again changes nothing.

  journalctl -u ssh -o json | ftps-gateway import sftp-log - --config gateway.yaml
`,
  async run(args, io) {
    const { words, options } = parseOptionsAndWords(args, {
      config: { type: 'string' },
      ignore: { type: 'string', multiple: true, default: [] },
    })
    const [what, file, ...more] = words
    if (what !== 'sftp-log' || file === undefined) throw new UsageError('import needs sftp-log FILE')
    if (more.length > 0) throw new UsageError(`there is a word too many: ${more[0]}`)
    const config = await configFor('import', options.config, io)
    const directory = stateDirectory(config, 'import')
    const owners = new Map(config.partners.flatMap((one) => sftpUsersOf(one).map((user) => [user, one.name] as const)))
    const [own, ignored] = [ownFingerprints(config), new Set(options.ignore)]
    const found: Accepted[] = []
    for await (const login of loginsIn(file, io)) {
      if (owners.has(login.user) && !own.has(login.fingerprint) && !ignored.has(login.address)) found.push(login)
    }
    const logins = withLogins(await readSftpLogins(directory), found)
    await writeSftpLogins(directory, logins)
    for (const user of new Set(found.map((one) => one.user))) {
      const { first = 0, last = 0 } = logins.get(user) ?? {}
      io.stdout.write(
        `${owners.get(user)}: ${user} has logged in by SFTP, first ${dayAndTime(first)}, last ${dayAndTime(last)}\n`,
      )
    }
    if (found.length === 0) io.stdout.write('no partner has logged in by SFTP in this log\n')
    return exit.ok
  },
}

async function* loginsIn(file: string, { stdin }: Io): AsyncGenerator<Accepted> {
  const input = file === '-' ? stdin : createReadStream(file)
  const now = Date.now()
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const login = acceptedIn(line, now)
    if (login) yield login
  }
}

import { suggest } from '../config/suggest.ts'
import { hold } from './migrate-hold.ts'
import { pause } from './migrate-pause.ts'
import { plan } from './migrate-plan.ts'
import { set } from './migrate-set.ts'
import { status } from './migrate-status.ts'
import { type Io, UsageError, type Verb } from './verb.ts'

const words: ReadonlyMap<string, (args: readonly string[], io: Io) => Promise<number>> = new Map([
  ['plan', plan],
  ['set', set],
  ['hold', hold],
  ['pause', pause],
  ['status', status],
])

export const migrate: Verb = {
  name: 'migrate',
  synopsis: 'plan|set|hold|pause|status --config FILE [OPTIONS]',
  summary: 'show and change how far partners are on their way to SFTP',
  details: `  status                       where everybody is, and what comes next
  plan PARTNER|--all           the brownouts to come, and the recorded logins that each would have refused
  set PARTNER PHASE            write the phase into the partner's file: legacy, gateway, notice, brownout, retired, or
                               auto for the timeline
  hold PARTNER --until TIME --reason TEXT
                               write a hold: the phase stays as it is now until a date or time
  hold PARTNER --end           take it back
  pause [--for 4h]             let everybody in at once, without a reload, for a while or until the end of the pause
  pause --end                  end it

  --config FILE   the configuration, see config/gateway.yaml
  --json          print one JSON object
  --dry-run       of set and hold: show what would be written

A changed file counts when the gateway is told to take it over (SIGHUP), and for new logins.
`,
  async run(args, io) {
    const [word = '', ...rest] = args
    const run = words.get(word)
    if (run === undefined) {
      const known = [...words.keys()]
      const what = word === '' || word.startsWith('-') ? 'migrate needs a word' : `migrate does not know "${word}"`
      throw new UsageError(`${what}${suggest(word, known) || `: ${known.join(', ')}`}`)
    }
    return run(rest, io)
  },
}

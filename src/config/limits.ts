import type { Checks } from './checks.ts'
import type { PartnerLimits } from './config.ts'
import * as kinds from './kinds.ts'
import type { Problems } from './problems.ts'
import { nodeAt, type Path, type Source } from './source.ts'
import { listOf, optional, table, type Values } from './table.ts'

/** The limits of a partner; `defaults` of the globals has the same keys, for partners that do not say otherwise. */
export const limitEntries = {
  sessions: optional(kinds.whole(0, 100_000)),
  sessionsPerAddress: optional(kinds.whole(0, 100_000)),
  loginsPerMinute: optional(kinds.whole(0, 100_000)),
  bandwidth: table({ up: optional(kinds.rate), down: optional(kinds.rate) }),
  readOnly: optional(kinds.truth),
  commands: table({ allow: listOf(kinds.commandName), deny: listOf(kinds.commandName) }),
  idle: optional(kinds.duration(1)),
}

type LimitValues = Values<typeof limitEntries>

/** Where limits are written. */
export interface LimitsPlace {
  readonly source: Source
  readonly path: Path
  readonly problems: Problems
  readonly checks: Checks | undefined
}

export const noLimits: PartnerLimits = {
  sessions: undefined,
  sessionsPerAddress: undefined,
  loginsPerMinute: undefined,
  bandwidth: { up: undefined, down: undefined },
  readOnly: undefined,
  commands: { allow: [], deny: [] },
  idleMs: undefined,
}

/** What is written, and where nothing is, what holds for everybody; a list takes the place of the other. */
export function limitsOf(values: LimitValues, usual: PartnerLimits, place: LimitsPlace): PartnerLimits {
  const { sessions, sessionsPerAddress, loginsPerMinute, bandwidth, readOnly, idle } = values
  const listed = (key: 'allow' | 'deny') =>
    nodeAt(place.source, [...place.path, 'commands', key]) === undefined
      ? usual.commands[key]
      : checkedCommands(values, key, place)
  return {
    sessions: sessions ?? usual.sessions,
    sessionsPerAddress: sessionsPerAddress ?? usual.sessionsPerAddress,
    loginsPerMinute: loginsPerMinute ?? usual.loginsPerMinute,
    bandwidth: { up: bandwidth.up ?? usual.bandwidth.up, down: bandwidth.down ?? usual.bandwidth.down },
    readOnly: readOnly ?? usual.readOnly,
    commands: { allow: listed('allow'), deny: listed('deny') },
    idleMs: idle ?? usual.idleMs,
  }
}

/** A name that is mistyped in a list of what is denied would leave a door open. */
function checkedCommands(
  { commands }: LimitValues,
  key: 'allow' | 'deny',
  { source, path, problems, checks }: LimitsPlace,
): readonly string[] {
  for (const [i, name] of commands[key].entries()) {
    const fault = name === undefined ? undefined : checks?.command(name)
    if (fault !== undefined) problems.add(source, [...path, 'commands', key, i], fault)
  }
  return commands[key].filter((name) => name !== undefined)
}

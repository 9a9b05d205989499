import type { Config } from '../config/config.ts'
import type { Observer } from '../observe/observer.ts'
import { LearnedPasswords } from '../partners/learned-passwords.ts'

/** Outlives a reload. Undefined where nothing is remembered; then no partner has `auth.mode: learn`. */
export function learnedPasswords(
  { state: { directory } }: Config,
  observer: Observer,
  now: () => number,
): LearnedPasswords | undefined {
  if (directory === undefined) return undefined
  return new LearnedPasswords({
    directory,
    now,
    onLearned: (partner, user) => observer({ kind: 'passwordLearned', partner, user }),
    warn: (message) => observer({ kind: 'warning', topic: 'learn', message }),
  })
}

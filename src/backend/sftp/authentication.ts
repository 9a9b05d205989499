import type { AnyAuthMethod, AuthenticationType } from 'ssh2'
import type { Credentials } from '../backend.ts'

/** The next method to try after the server said which are left; undefined when there is nothing more to try. */
export type Authentication = (left: AuthenticationType[] | null, partial: boolean | null) => AnyAuthMethod | undefined

/**
 * The key, or those of the agent, one after the other; or the password, or keyboard-interactive where the server has no password method. Never both on one that has
 * both: each wrong password counts against the gateway's address there (OpenSSH PerSourcePenalties, fail2ban).
 */
export function authentication(credentials: Credentials): Authentication {
  let tried: AuthenticationType | 'agent' | undefined
  const { username } = credentials
  if (credentials.kind === 'privateKey') {
    return () => {
      if (tried) return undefined
      tried = 'publickey'
      // The typings know keys as text only; ssh2 takes a parsed one as it is.
      return { type: 'publickey', username, key: credentials.privateKey } as AnyAuthMethod
    }
  }
  if (credentials.kind === 'agent') {
    return () => {
      if (tried) return undefined
      tried = 'agent'
      return { type: 'agent', username, agent: credentials.socket }
    }
  }
  const { password } = credentials
  return (left, partial) => {
    if (!tried) {
      tried = 'password'
      return { type: 'password', username, password: password.reveal() }
    }
    const passwordWasOffered = left?.includes('password') && !partial
    if (tried !== 'password' || passwordWasOffered || !left?.includes('keyboard-interactive')) return undefined
    tried = 'keyboard-interactive'
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => {
        // One hidden prompt is the password; anything else (a one-time code) nobody here can answer.
        const [only] = prompts
        finish(prompts.length === 1 && only && !only.echo ? [password.reveal()] : prompts.map(() => ''))
      },
    }
  }
}

import { exit } from './exit.ts'
import { parseWord, UsageError, type Verb } from './verb.ts'

/** The completion of shells, made from what the verbs say of themselves. */
export function completion(verbs: () => readonly Verb[]): Verb {
  return {
    name: 'completion',
    synopsis: 'bash',
    summary: 'print what makes a shell complete verbs, options and files',
    words: { '': ['bash'] },
    details: `  bash   for bash 4 or newer, with or without the package bash-completion

  source <(ftps-gateway completion bash)
  ftps-gateway completion bash > /usr/share/bash-completion/completions/ftps-gateway
`,
    async run(args, io) {
      const shell = parseWord(args, 'completion needs the name of a shell: bash')
      if (shell !== 'bash') throw new UsageError(`there is no completion for "${shell}", only for bash`)
      io.stdout.write(bashCompletion(verbs()))
      return exit.ok
    },
  }
}

/** Options stand at the beginning of a line of `details`, behind them what they take. */
function optionsOf({ details }: Verb): readonly { readonly name: string; readonly takes: string | undefined }[] {
  return [...details.matchAll(/^ {2}(--[a-z-]+)(?: ([A-Z][A-Z:-]*))?/gm)].map(([, name = '', takes]) => ({
    name,
    takes,
  }))
}

/** A shell function that looks at the verb, at the word before, and at the beginning of the word that is typed. */
export function bashCompletion(verbs: readonly Verb[]): string {
  const names = [...verbs.map(({ name }) => name), 'help', 'version'].join(' ')
  return `# bash completion of ftps-gateway; made by: ftps-gateway completion bash
_ftps_gateway() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} verb=\${COMP_WORDS[1]} words=
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 || ( $verb == help && $COMP_CWORD -eq 2 ) ]]; then
    COMPREPLY=($(compgen -W '${names}' -- "$word"))
    return
  fi
  case "$verb $before" in
${verbs.flatMap(takenBy).join('\n')}
  esac
  case "$verb" in
${verbs.map(offeredBy).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _ftps_gateway ftps-gateway
`
}

/** What can follow an option: a file, some words, or something that only its user knows. */
function takenBy(verb: Verb): string[] {
  return optionsOf(verb).flatMap(({ name, takes }) => {
    const words = verb.words?.[name]
    if (takes === undefined) return []
    const pattern = `    '${verb.name} ${name}')`
    if (words) return [`${pattern} COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$word")); return ;;`]
    if (takes !== 'FILE' && takes !== 'DIR') return [`${pattern} return ;;`]
    const files = `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -${takes === 'DIR' ? 'd' : 'f'} -- "$word")`
    return [`${pattern} ${files}; return ;;`]
  })
}

function offeredBy(verb: Verb): string {
  const options = optionsOf(verb).map(({ name }) => name)
  return `    ${verb.name}) words='${[...(verb.words?.[''] ?? []), ...options, '--help'].join(' ')}' ;;`
}

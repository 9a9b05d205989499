export type ClientName =
  | 'lftp'
  | 'curl'
  | 'WinSCP'
  | 'FileZilla'
  | 'Python ftplib'
  | 'Java/Apache Commons Net'
  | '.NET FtpWebRequest'
  | 'basic-ftp'
  | 'unknown'

/** What is known of a client without asking its owner. */
export interface ClientFacts {
  /** What it said in CLNT. */
  readonly clnt: string | undefined
  /** Its commands in order, as `noteOf` writes them; the first 40. */
  readonly commands: readonly string[]
}

interface Rule {
  readonly client: ClientName
  readonly fits: (facts: ClientFacts) => boolean
}

/** The first rule that fits. Orders of commands are what the clients sent to this gateway, or what their sources say. */
const rules: readonly Rule[] = [
  { client: 'lftp', fits: ({ clnt }) => /^lftp\b/i.test(clnt ?? '') },
  { client: 'FileZilla', fits: ({ clnt }) => /^FileZilla\b/i.test(clnt ?? '') },
  { client: 'WinSCP', fits: ({ clnt }) => /^WinSCP\b/i.test(clnt ?? '') },
  // FtpWebRequest is the one client that writes `utf8 on` in small letters, and asks for PWD at once.
  { client: '.NET FtpWebRequest', fits: ({ commands }) => follow(commands, 'OPTS utf8', 'PWD') },
  // Right after the login, for each connection: STRU F is sent by nobody else these days.
  { client: 'basic-ftp', fits: ({ commands }) => follow(commands, 'FEAT', 'TYPE I', 'STRU F') },
  // It tries AUTH SSL first, and never asks for FEAT; PWD is how it learns where it is.
  { client: 'curl', fits: isCurl },
  // It says TYPE before each transfer, and nothing that it was not told to say.
  { client: 'Python ftplib', fits: isFtplib },
  // As quiet as ftplib, but TYPE is said once, or SYST before the first listing.
  { client: 'Java/Apache Commons Net', fits: isCommonsNet },
]

export function clientGuess(facts: ClientFacts): ClientName {
  return rules.find(({ fits }) => fits(facts))?.client ?? 'unknown'
}

/** Whether the commands stand right behind each other. */
function follow(commands: readonly string[], ...wanted: readonly string[]): boolean {
  return commands.some((_, i) => wanted.every((command, n) => commands[i + n] === command))
}

function isCurl({ commands }: ClientFacts): boolean {
  if (commands.includes('FEAT') || commands.includes('OPTS')) return false
  const secured = follow(commands, 'PASS', 'PBSZ', 'PROT', 'PWD')
  return secured || (follow(commands, 'PASS', 'PWD') && !commands.includes('SYST'))
}

const passive = ['PASV', 'EPSV', 'PORT', 'EPRT']
const asksMuch = ['FEAT', 'OPTS', 'SYST', 'PWD', 'CLNT']

/** How many of the transfers had a TYPE of their own right before PASV or its kind; undefined without a transfer. */
function ownTypes(commands: readonly string[]): { readonly transfers: number; readonly typed: number } {
  const places = commands.flatMap((command, i) => (passive.includes(command) ? [i] : []))
  return {
    transfers: places.length,
    typed: places.filter((i) => commands[i - 1]?.startsWith('TYPE ')).length,
  }
}

function isFtplib({ commands }: ClientFacts): boolean {
  if (asksMuch.some((command) => commands.includes(command))) return false
  const { transfers, typed } = ownTypes(commands)
  // One upload alone looks the same from Java, where PROT is followed by TYPE I once; a text listing does not.
  return transfers === typed && (transfers > 1 || (transfers === 1 && commands.includes('TYPE A')))
}

function isCommonsNet({ commands }: ClientFacts): boolean {
  if (['FEAT', 'OPTS', 'PWD', 'CLNT'].some((command) => commands.includes(command))) return false
  const { transfers, typed } = ownTypes(commands)
  if (transfers === 0) return false
  const systBeforeList = commands.some((command, i) => command === 'SYST' && commands.slice(i).includes('LIST'))
  return systBeforeList || (transfers > 1 && typed === 1 && follow(commands, 'PBSZ', 'PROT', 'TYPE I'))
}

import { anything } from '../ftp/arguments.ts'
import { reply } from '../ftp/reply.ts'
import { type Command, command } from './command.ts'

function refuse(text: string, ...verbs: [string, ...string[]]): Command {
  return command({ verbs, argument: anything, access: 'anyone', refused: true, run: () => reply(502, text) })
}

/**
 * Verbs of the registry (RFC 5797) and of other servers that are known and not carried out. 502 tells a client that it
 * need not try again in another spelling; tnftp goes on to the next way of opening a data connection.
 */
export const refused = [
  refuse('There is nothing to mount.', 'SMNT'),
  refuse('Use EPSV or PASV.', 'LPSV', 'SPSV', 'CPSV'),
  refuse('Use EPRT or PORT.', 'LPRT'),
  refuse('Transfers between two servers are not supported.', 'SSCN'),
  refuse('Creation times are not supported.', 'MFCT'),
  refuse('Not implemented.', 'THMB'),
] as const

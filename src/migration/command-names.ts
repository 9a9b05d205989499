import { asciiUpperCase, type ByteString } from '../ftp/bytes.ts'

/**
 * Commands and words of SITE that a journal may name although the gateway does not know them. Anything else that a client
 * sends could be a password in the wrong place, and is `other`.
 */
const wellKnown: ReadonlySet<string> = new Set(
  (
    'XCRC XMD5 XSHA XSHA1 XSHA256 XSHA512 MD5 MMD5 HASH MFCT MFMT MFF AVBL COMB CLNT CSID DSIZ LPRT LPSV MACB PRET CPSV ' +
    'SSCN SPSV THMB MIC CONF ENC ADAT REIN SMNT ACCT STOU XCUP XMKD XPWD XRMD XRCP XRSQ MLFL MAIL MSND MSOM MSAM RMDA'
  ).split(' '),
)
const siteWords: ReadonlySet<string> = new Set(
  (
    'CHMOD CHGRP CHOWN UMASK IDLE EXEC HELP UTIME SYMLINK LINK MKDIR RMDIR RMTREE CPFR CPTO COPY QUOTA WHO ZONE GROUP GPASS ' +
    'INDEX MINFO NEWER GROUPS ALIAS CDPATH CHECKMETHOD CHECKSUM DIRSTYLE RECFM LRECL BLKSIZE BLOCKSIZE CYLINDERS TRACKS ' +
    'PRIMARY SECONDARY PRI SEC FILETYPE JES SBD SBDATACONN NAMEFMT LISTFMT TRIM XLATE WRAPRECORD UNIT VOLUME DATACLAS PSWD ' +
    'RETR STOR SWAP STATUS UNZIP ZIP MD5 HASH PROXY MIGRATION'
  ).split(' '),
)

/** How a command is counted: its verb, the word behind SITE, whether LIST goes down the tree. */
export function countedAs(verb: ByteString, known: boolean, argument: ByteString): string {
  if (!known && !wellKnown.has(verb)) return 'other'
  if (verb === 'SITE') {
    const word = asciiUpperCase(argument.split(' ')[0] ?? '')
    return `SITE ${siteWords.has(word) ? word : 'other'}`
  }
  if ((verb === 'LIST' || verb === 'NLST') && /^-\w*R/.test(argument)) return `${verb} -R`
  if (verb === 'MODE' && /^z$/i.test(argument)) return 'MODE Z'
  return verb
}

/** What a command says of the client that sends it; nothing of its argument but what the client itself has put there. */
export function noteOf(verb: ByteString, known: boolean, argument: ByteString): string {
  const counted = countedAs(verb, known, argument)
  if (verb === 'TYPE' || verb === 'STRU') return /^[a-z]$/i.test(argument) ? `${verb} ${argument.toUpperCase()}` : verb
  if (verb === 'AUTH') return /^(TLS|SSL)(-[CP])?$/i.test(argument) ? `AUTH ${argument.toUpperCase()}` : verb
  // One well-known client writes this in small letters.
  if (verb === 'OPTS') return argument === 'utf8 on' ? 'OPTS utf8' : verb
  return counted
}

/** What CLNT said, short and printable: it is a product's name, and should be one. */
export function productOf(argument: ByteString): string {
  return argument.replace(/[^\x20-\x7e]/g, '?').slice(0, 60)
}

/** What a name was written in. */
export function scriptOf(name: ByteString): 'ascii' | 'utf-8' | 'other' {
  if (!/[\x80-\xff]/.test(name)) return 'ascii'
  try {
    utf8.decode(Buffer.from(name, 'latin1'))
    return 'utf-8'
  } catch {
    return 'other'
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

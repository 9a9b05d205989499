import type { ByteString } from './bytes.ts'

/** One FTP reply (RFC 959 section 4.2), and what the session does once it has been sent. */
export interface Reply {
  readonly code: number
  readonly lines: readonly [ByteString, ...ByteString[]]
  /** Closes, secures or clears the control connection after the reply is flushed: QUIT and 421, AUTH, CCC. */
  readonly afterwards?: 'close' | 'secure' | 'clear' | 'logIn'
  /** Inner lines begin with the code, too: for texts that people should see, whatever their client makes of a space. */
  readonly coded?: true
  /** The bytes as another server has written them, to be passed on as they are. */
  readonly verbatim?: ByteString
}

/** A reply of one line, or of several (the first and last carry the code). */
export function reply(code: number, ...lines: [ByteString, ...ByteString[]]): Reply {
  return { code, lines }
}

/** A reply of which every line carries the code; the last one is always there. */
export function coded(code: number, ...lines: [...ByteString[], ByteString]): Reply {
  const [first = '', ...others] = lines
  return others.length === 0 ? reply(code, first) : { code, lines: [first, ...others], coded: true }
}

/** A reply after which the control connection is closed (221, 421). */
export function closing(code: number, ...lines: [ByteString, ...ByteString[]]): Reply {
  return { code, lines, afterwards: 'close' }
}

/**
 * The bytes of a reply. Inner lines of a multi-line reply start with a space (RFC 2389 section 3.2 wants it, and it
 * keeps them from looking like the last line). CR, LF and NUL in echoed names become `?`, so no name can forge a reply.
 * 0xFF is doubled (Telnet, RFC 959 section 2.3).
 */
export function serialise({ code, lines, coded: everyLine, verbatim }: Reply): ByteString {
  if (verbatim !== undefined) return verbatim
  const last = lines.length - 1
  return lines
    .map((text, i) => {
      const line = text.replace(/[\r\n\0]/g, '?').replaceAll('\xff', '\xff\xff')
      if (i === last) return `${code} ${line}\r\n`
      return i === 0 || everyLine ? `${code}-${line}\r\n` : ` ${line}\r\n`
    })
    .join('')
}

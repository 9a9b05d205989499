import { BackendError } from '../backend/backend.ts'
import type { ByteString } from '../ftp/bytes.ts'
import { reply } from '../ftp/reply.ts'
import type { Secret } from '../ftp/secret.ts'
import type { BackendFailure, Observer } from '../observe/observer.ts'
import { ControlLine, type OldServerSettings } from './control-line.ts'
import { DataOpener } from './data-opener.ts'
import { oldDownload } from './old-download.ts'
import type { OldReply, OldServer, OldSession } from './old-server.ts'
import { oldUpload } from './old-upload.ts'

/** An old server that is reached over the network. */
export function ftpOldServer(settings: OldServerSettings, observer: Observer): OldServer {
  const { name, timeouts } = settings
  return {
    name,
    async logIn(user, password) {
      const startedAt = performance.now()
      const line = new ControlLine(settings)
      const timer = setTimeout(() => line.giveUp(`no login within ${timeouts.loginMs} ms`), timeouts.loginMs)
      const tell = (outcome: 'ok' | BackendFailure, reason?: string) => {
        const seconds = (performance.now() - startedAt) / 1000
        observer({
          kind: 'backendConnection',
          backend: name,
          outcome,
          seconds,
          ...(reason !== undefined && { reason }),
        })
      }
      try {
        await line.open()
        const welcome = await logIn(line, user, password)
        await protectData(line)
        const session = sessionOf(line, welcome, await startOf(line))
        tell('ok')
        return session
      } catch (error) {
        line.close()
        tell(outcomeOf(error), error instanceof Error ? error.message : String(error))
        throw error
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

function outcomeOf(error: unknown): BackendFailure {
  if (!(error instanceof BackendError)) return 'lost'
  if (error.kind === 'loginRefused') return 'auth'
  const code = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns'
  if (code === 'ECONNREFUSED') return 'refused'
  if (/ within \d+ ms$/.test(error.message)) return 'timeout'
  return /certificate/.test(error.message) ? 'host_key' : 'lost'
}

async function logIn(line: ControlLine, user: ByteString, password: Secret): Promise<OldReply> {
  const { name } = line.settings
  let answer = await line.ask(`USER ${user}`)
  if (answer.code === 331) answer = await line.ask(`PASS ${password.reveal()}`)
  if (answer.code >= 200 && answer.code < 300) return answer
  if (answer.code === 332) {
    const message = `old server ${name} wants an account (ACCT), which is not relayed`
    throw new BackendError('unavailable', message, {
      reply: reply(530, 'This login needs an account, which is not relayed.'),
    })
  }
  const refused = answer.code >= 500 || answer.code === 430
  const message = `old server ${name} answers the login with ${answer.code}`
  throw new BackendError(refused ? 'loginRefused' : 'unavailable', message, { reply: answer })
}

/** Whatever the client's own PROT is: nothing goes over the network in the clear for which there is TLS. */
async function protectData(line: ControlLine): Promise<void> {
  if (!line.secured) return
  const { name } = line.settings
  await line.ask('PBSZ 0')
  const { code } = await line.ask('PROT P')
  if (code >= 300) throw new BackendError('unavailable', `old server ${name} refuses PROT P with ${code}`)
}

/** For records of transfers, which have whole paths. */
async function startOf(line: ControlLine): Promise<ByteString> {
  const { code, lines } = await line.ask('PWD')
  return (code === 257 ? quotedPath(lines[0]) : undefined) ?? '/'
}

/** The path in an answer to PWD, where quotes are doubled (RFC 959 appendix II). */
export function quotedPath(text: ByteString): ByteString | undefined {
  const [, path] = /"((?:[^"]|"")*)"/.exec(text) ?? []
  return path?.startsWith('/') ? path.replaceAll('""', '"') : undefined
}

function sessionOf(line: ControlLine, welcome: OldReply, home: ByteString): OldSession {
  const data = new DataOpener(line)
  return {
    welcome,
    home,
    set onLost(callback: OldSession['onLost']) {
      line.onLost = callback
    },
    ask: (text, how) => line.ask(text, how),
    openDownload: async (signal) => oldDownload(await data.open('download', signal)),
    openUpload: async (signal) => oldUpload(await data.open('upload', signal)),
    close: () => line.close(),
  }
}

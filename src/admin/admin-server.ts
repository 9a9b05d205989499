import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { balance, type GatewayStatus, health, type Judgement, readiness } from './health.ts'

export interface AdminOptions {
  readonly address: string
  /** 0 takes any free port. */
  readonly port: number
  readonly metrics: { text(): Promise<string>; readonly contentType: string }
  readonly status: () => GatewayStatus
}

export interface Admin {
  readonly port: number
  /** Frees the port and cuts what is still connected. */
  close(): Promise<void>
}

const connectionsMax = 64
const requestMs = 5_000
const answerMs = 15_000

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly allow?: string
}

/** Serves /metrics, /healthz, /readyz and /lbz. Rejects with the system's error (`code` EADDRINUSE, EACCES …). */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const limits = { headersTimeout: requestMs, requestTimeout: requestMs, connectionsCheckingInterval: 1_000 }
  const server = createServer({ ...limits, maxHeaderSize: 8 * 1024 }, (request, response) => {
    // Nothing here takes a body; one that comes is read away, so that the connection can end in order.
    request.resume()
    void respond(options, request, response)
  })
  server.maxConnections = connectionsMax
  server.timeout = answerMs
  server.listen(options.port, options.address)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function respond(options: AdminOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, type, body, allow } = await answer(options, request).catch(() => {
    return text(500, 'The metrics could not be collected.')
  })
  // One request for each connection: a probe comes every few seconds, and close() need not wait for idle connections.
  response.shouldKeepAlive = false
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...(allow === undefined ? {} : { Allow: allow }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function answer({ metrics, status }: AdminOptions, { method, url = '/' }: IncomingMessage): Promise<Answer> {
  const path = url.split('?', 1)[0]
  if (!['/metrics', '/healthz', '/readyz', '/lbz'].includes(path ?? '')) return text(404, 'Not found.')
  if (method !== 'GET' && method !== 'HEAD') return { ...text(405, 'Only GET and HEAD.'), allow: 'GET, HEAD' }
  switch (path) {
    case '/healthz':
      return judged(health())
    case '/readyz':
      return judged(readiness(status()))
    case '/lbz':
      return judged(balance(status()))
    default:
      return { status: 200, type: metrics.contentType, body: await metrics.text() }
  }
}

function judged(judgement: Judgement): Answer {
  return { status: judgement.ok ? 200 : 503, type: 'application/json', body: `${JSON.stringify(judgement)}\n` }
}

function text(status: number, line: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${line}\n` }
}

// node delay-proxy.mjs --target host:port --rtt ms [--rate bytes/s]: a long line in front of a server. Prints the port that
// it listens on. Chunks leave half the round trip after they came, in order; a FIN travels like data. What is under way is
// bounded each way: beyond that the sender is held back.
import { connect, createServer } from 'node:net'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { target: { type: 'string' }, rtt: { type: 'string' }, rate: { type: 'string' } },
})
const [host, port] = (values.target ?? '').split(':')
const delayMs = Number(values.rtt) / 2
const bytesPerMs = values.rate === undefined ? Infinity : Number(values.rate) / 1000
if (!host || !(Number(port) > 0) || !(delayMs >= 0) || !(bytesPerMs > 0)) {
  throw new Error('wanted: --target host:port --rtt ms [--rate bytes/s]')
}

const underWayMax = 64 * 1024 * 1024
/** Below the shortest wait that a timer keeps. */
const slackMs = 0.5

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const backend = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true })
  carry(client, backend)
  carry(backend, client)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))

function carry(from, to) {
  const queue = []
  let underWay = 0
  let lineFreeAt = 0
  let timer

  from.on('data', (chunk) => {
    underWay += chunk.length
    if (underWay > underWayMax) from.pause()
    const now = performance.now()
    lineFreeAt = Math.max(now, lineFreeAt) + chunk.length / bytesPerMs
    queue.push({ chunk, due: lineFreeAt + delayMs })
    deliver()
  })
  from.on('end', () => {
    queue.push({ chunk: undefined, due: Math.max(performance.now(), lineFreeAt) + delayMs })
    deliver()
  })
  from.on('error', () => undefined)
  from.on('close', (failed) => {
    // A reset, or somebody gave up: nothing is owed to anybody any more. A proper end has its mark in the queue.
    if (failed || !from.readableEnded) {
      clearTimeout(timer)
      to.resetAndDestroy()
    }
  })

  function deliver() {
    clearTimeout(timer)
    timer = undefined
    const now = performance.now() + slackMs
    let count = 0
    to.cork()
    while (count < queue.length && queue[count].due <= now) send(queue[count++].chunk)
    to.uncork()
    queue.splice(0, count)
    if (queue.length > 0) timer = setTimeout(deliver, Math.max(1, queue[0].due - performance.now()))
  }

  function send(chunk) {
    if (chunk === undefined) to.end()
    else to.write(chunk, () => sent(chunk.length))
  }

  function sent(bytes) {
    underWay -= bytes
    if (underWay < underWayMax / 2 && from.isPaused()) from.resume()
  }
}

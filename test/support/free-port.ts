import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import type { Daemon } from './daemon.ts'

const host = '127.0.0.1'

/**
 * A TCP port of 127.0.0.1 that was free a moment ago. Somebody else may take it before its user does: whoever hands
 * it to a program tries again with another one when the program finds it taken.
 */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** `size` neighbouring free ports, below those that systems give to clients, so that nobody takes them in between. */
export async function freeRange(size: number): Promise<{ first: number; last: number }> {
  for (;;) {
    const first = randomInt(20_000, 30_000)
    const probes = Array.from({ length: size }, (_, i) => createServer().listen(first + i, host))
    const tried = await Promise.allSettled(probes.map((probe) => once(probe, 'listening')))
    await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))))
    if (tried.every(({ status }) => status === 'fulfilled')) return { first, last: first + size - 1 }
  }
}

/**
 * Starts a server on a free port and waits until it greets a client with `greeting`, or takes connections where it waits for
 * TLS first (undefined); takes another port when this one was taken meanwhile. Throws with the server's log.
 */
export async function startOnFreePort(
  greeting: RegExp | undefined,
  start: (port: number) => Promise<Daemon>,
): Promise<{ daemon: Daemon; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const daemon = await start(port)
    if (await greets(greeting, daemon, port)) return { daemon, port }
    await daemon.stop()
    const taken = /address already in use|could not bind/i.test(daemon.log())
    if (!taken || attempt === 5) throw new Error(`No answer on port ${port}:\n${daemon.log()}`)
  }
}

async function greets(greeting: RegExp | undefined, daemon: Daemon, port: number): Promise<boolean> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline && daemon.running(); ) {
    if (await (greeting === undefined ? takesConnections(port) : firstLine(port).then((line) => greeting.test(line))))
      return daemon.running()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => socket.destroy())
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
  })
}

function firstLine(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, host)
    socket.setEncoding('latin1').setTimeout(2_000, () => socket.destroy())
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
  })
}

import { randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { program } from './packages.ts'
import { type RunResult, run, runOk } from './run.ts'

/**
 * Two hosts besides this one, as network namespaces: a router, whose NAT hides the network behind it, and a client there.
 *
 *   this machine (gateway) -- 198.18.x.0/24, public -- router (NAT) -- 192.168.77.0/24 -- client
 */
export interface Network {
  /** Where the gateway has to listen. */
  readonly gateway: string
  /** The router's two public addresses; connections of the client come from the first one, unless `rules` say otherwise. */
  readonly outer: readonly [string, string]
  readonly client: string
  /** This machine's link-local address, with the router's and with our own name for the line between. */
  readonly linkLocal: { readonly address: string; readonly scopeHere: string; readonly scopeThere: string }
  /** Runs a program to its end on one of the two. */
  run(where: 'router' | 'client', command: string, args: readonly string[], cwd: string): Promise<RunResult>
  /** Adds nftables rules to the router: to the chains `forward`, `pre` (DNAT) and `post` (SNAT; its last rule hides the client). */
  rules(...rules: readonly string[]): Promise<void>
  /** Takes away what `rules` has added. */
  noRules(): Promise<void>
  stop(): Promise<void>
}

const prefix = 'ftpsgw-'

/** Makes the namespaces. Throws, saying what it needs, where that is not possible. */
export async function startNetwork(): Promise<Network> {
  await clearLeftovers()
  const [router, client] = [`${prefix}${process.pid}-r`, `${prefix}${process.pid}-c`]
  const line = `fg${process.pid}`
  const third = randomInt(256)
  const [gateway, ...outer] = [1, 2, 3].map((last) => `198.18.${third}.${last}`) as [string, string, string]
  const inner = { router: '192.168.77.1', client: '192.168.77.2' }
  const stop = async () => {
    for (const name of [client, router]) await run(program('ip'), ['netns', 'del', name])
  }
  try {
    for (const name of [router, client]) await ip('netns', 'add', name)
    await ip('link', 'add', line, 'type', 'veth', 'peer', 'name', 'outer', 'netns', router)
    await ip('-n', router, 'link', 'add', 'inner', 'type', 'veth', 'peer', 'name', 'eth', 'netns', client)
    await ip('addr', 'add', `${gateway}/24`, 'dev', line)
    for (const address of outer) await ip('-n', router, 'addr', 'add', `${address}/24`, 'dev', 'outer')
    await ip('-n', router, 'addr', 'add', `${inner.router}/24`, 'dev', 'inner')
    await ip('-n', client, 'addr', 'add', `${inner.client}/24`, 'dev', 'eth')
    await ip('link', 'set', line, 'up')
    for (const device of ['lo', 'outer', 'inner']) await ip('-n', router, 'link', 'set', device, 'up')
    for (const device of ['lo', 'eth']) await ip('-n', client, 'link', 'set', device, 'up')
    await ip('-n', client, 'route', 'add', 'default', 'via', inner.router)
    await inside(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    await setRules(router, outer[0], [])
    const address = await linkLocalOf(line)
    return {
      gateway,
      outer: [outer[0], outer[1]],
      client: inner.client,
      linkLocal: { address, scopeHere: line, scopeThere: 'outer' },
      run(where, command, args, cwd) {
        const name = where === 'router' ? router : client
        const env = { PATH: process.env['PATH'], HOME: cwd, LC_ALL: 'C' }
        return run(program('ip'), ['netns', 'exec', name, command, ...args], { cwd, env, timeoutMs: 60_000 })
      },
      rules: (...rules) => setRules(router, outer[0], rules),
      noRules: () => setRules(router, outer[0], []),
      stop,
    }
  } catch (error) {
    await stop()
    const needs = 'These tests make network namespaces with NAT, for which they need root, CAP_NET_ADMIN and nf_tables'
    throw new Error(`${needs}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

async function setRules(router: string, outer: string, rules: readonly string[]): Promise<void> {
  const text = `
    flush ruleset
    table ip t {
      chain forward { type filter hook forward priority 0; }
      chain pre { type nat hook prerouting priority -100; }
      chain post { type nat hook postrouting priority 100; }
    }
    ${rules.map((rule) => `add rule ip t ${rule}`).join('\n')}
    add rule ip t post oifname outer ip saddr 192.168.77.0/24 snat to ${outer}`
  await runOk(program('ip'), ['netns', 'exec', router, program('nft'), '-f', '-'], { input: text })
}

async function ip(...args: readonly string[]): Promise<string> {
  return (await runOk(program('ip'), args)).toString()
}

async function inside(name: string, command: string, ...args: readonly string[]): Promise<void> {
  await runOk(program('ip'), ['netns', 'exec', name, program(command), ...args])
}

/** The address is usable only when nobody else has answered for it, which takes a second or two. */
async function linkLocalOf(device: string): Promise<string> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    const shown = await ip('-6', 'addr', 'show', 'dev', device, 'scope', 'link')
    const address = /inet6 (fe80:[0-9a-f:]+)/.exec(shown)?.[1]
    if (address !== undefined && !shown.includes('tentative')) return address
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${device} has no link-local address`)
}

/** What a run that was killed has left. */
async function clearLeftovers(): Promise<void> {
  for (const name of list('/run/netns')) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1])
    if (!Number.isNaN(pid) && !list('/proc').includes(String(pid))) await run(program('ip'), ['netns', 'del', name])
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

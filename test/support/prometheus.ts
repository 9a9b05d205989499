import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { type Daemon, startDaemon } from './daemon.ts'
import { freePort } from './free-port.ts'
import { ground } from './ground.ts'
import { rulesFile } from './monitoring-files.ts'
import { program } from './packages.ts'

/** An alert as Prometheus shows it. */
export interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

/** A real Prometheus with the project's rules, made faster, that scrapes one gateway. */
export interface Prometheus {
  /** Waits until it has scraped the gateway for a while, and this alert is neither firing nor about to. */
  silent(alert: string): Promise<void>
  /** Waits until this alert fires. Throws with all that Prometheus knows. */
  firing(alert: string): Promise<Alert>
  /** The value of each series that an expression finds. */
  query(expression: string): Promise<readonly number[]>
  stop(): Promise<void>
}

const host = '127.0.0.1'
const patience = { timeout: 90_000, interval: 250 }

/**
 * The rules for a test that cannot wait: alerts fire after a second, and rates look back a quarter of a minute where they
 * looked back minutes, half a minute where they looked back hours. What they ask for and compare with stays.
 */
export function hastened(rules: string): string {
  return rules
    .replace(/\[(\d+)([mh])\]/g, (_, _n, unit) => (unit === 'h' ? '[30s]' : '[15s]'))
    .replace(/\bfor: \d+[mh]$/gm, 'for: 1s')
    .replace(/\binterval: 30s$/gm, 'interval: 500ms')
}

/** `port`: where the gateway's /metrics will be; several gateways may have it, one after the other. */
export async function startPrometheus(port: number): Promise<Prometheus> {
  const { runFolder } = await ground()
  const folder = mkdtempSync(join(runFolder, 'prometheus-'))
  writeFileSync(join(folder, 'rules.yml'), hastened(readFileSync(rulesFile, 'utf8')))
  writeFileSync(join(folder, 'prometheus.yml'), configuration(port))
  const { daemon, url } = await started(folder, runFolder)

  async function ask<T>(path: string): Promise<T> {
    const response = await fetch(`${url}/api/v1/${path}`)
    const { data } = (await response.json()) as { readonly data: T }
    return data
  }
  const alerts = async () => (await ask<{ readonly alerts: readonly Alert[] }>('alerts')).alerts
  const active = async (name: string) => (await alerts()).filter(({ labels }) => labels['alertname'] === name)
  async function query(expression: string): Promise<readonly number[]> {
    const path = `query?query=${encodeURIComponent(expression)}`
    const { result } = await ask<{ readonly result: readonly { readonly value: [number, string] }[] }>(path)
    return result.map(({ value }) => Number(value[1]))
  }
  const known = async () => `${JSON.stringify(await alerts(), undefined, 1)}\n${daemon.log()}`

  return {
    query,
    async silent(name) {
      const calm = async () => {
        const [up] = await query('sum_over_time(up[3s]) >= 4 and min_over_time(up[3s]) == 1')
        return up !== undefined && (await active(name)).length === 0
      }
      await vi.waitUntil(calm, patience).catch(async (cause: unknown) => {
        throw new Error(`${name} is not silent:\n${await known()}`, { cause })
      })
    },
    async firing(name) {
      const found = async () => (await active(name)).find(({ state }) => state === 'firing')
      return vi.waitUntil(found, patience).catch(async (cause: unknown) => {
        throw new Error(`${name} does not fire:\n${await known()}`, { cause })
      }) as Promise<Alert>
    },
    stop: daemon.stop,
  }
}

function configuration(port: number): string {
  const gateway = { job_name: 'ftps-gateway', static_configs: [{ targets: [`${host}:${port}`] }] }
  return JSON.stringify({
    global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
    rule_files: ['rules.yml'],
    scrape_configs: [gateway],
  })
}

/** Tries again with another port when somebody has taken the first meanwhile. */
async function started(folder: string, runFolder: string): Promise<{ daemon: Daemon; url: string }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const settings = { 'config.file': 'prometheus.yml', 'storage.tsdb.path': 'data' }
    const more = { 'web.listen-address': `${host}:${port}`, 'log.level': 'warn' }
    const args = Object.entries({ ...settings, ...more }).map(([key, value]) => `--${key}=${value}`)
    const daemon = await startDaemon(program('prometheus'), args, { runFolder, cwd: folder })
    const url = `http://${host}:${port}`
    const ready = () =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    await vi.waitUntil(async () => !daemon.running() || (await ready()), patience).catch(() => undefined)
    if (daemon.running() && (await ready())) return { daemon, url }
    await daemon.stop()
    if (attempt === 5 || !/address already in use/.test(daemon.log()))
      throw new Error(`no Prometheus:\n${daemon.log()}`)
  }
}

import { spawn } from 'node:child_process'

/** What systemd is told of this process (sd_notify(3)). Nothing waits for it, and nothing fails with it. */
export interface ServiceManager {
  ready(status: string): void
  /** Between this and the next `ready`, `systemctl reload` waits. */
  reloading(): void
  stopping(status: string): void
  /** Ends the signs of life for the watchdog, and waits until the last word is out. */
  close(): Promise<void>
}

/** Sends one message; resolves when it is delivered or given up. */
export type Send = (message: readonly string[]) => Promise<void>

const silent: ServiceManager = {
  ready() {},
  reloading() {},
  stopping() {},
  close: async () => {},
}

/**
 * The service manager that started us with NOTIFY_SOCKET, or one that is told nothing. Messages keep their order. Where
 * systemd watches (WATCHDOG_USEC), it gets a sign of life twice in that time, from the loop that also serves clients.
 */
export function serviceManager(env: NodeJS.ProcessEnv, trouble: (message: string) => void, send?: Send) {
  if (!env['NOTIFY_SOCKET']) return silent
  return talkingTo(send ?? bySystemdNotify(env, trouble), watchdogMs(env))
}

function talkingTo(send: Send, everyMs: number | undefined): ServiceManager {
  let last = Promise.resolve()
  let waiting = 0
  const say = (...message: string[]) => {
    waiting++
    last = last.then(() => send(message)).finally(() => waiting--)
  }
  // A message that is still under way is a sign of life itself; a second one would only pile up behind it.
  const alive = () => waiting === 0 && say('WATCHDOG=1')
  const timer = everyMs === undefined ? undefined : setInterval(alive, everyMs)
  timer?.unref()
  return {
    ready: (status) => say('READY=1', `STATUS=${status}`),
    // Type=notify-reload wants to know that this reload is not an older one.
    reloading: () => say('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: (status) => say('STOPPING=1', `STATUS=${status}`),
    close() {
      clearInterval(timer)
      return last
    },
  }
}

/** Half of what systemd allows, as sd_watchdog_enabled(3) advises; undefined where nobody watches this process. */
function watchdogMs(env: NodeJS.ProcessEnv): number | undefined {
  const { WATCHDOG_USEC: time, WATCHDOG_PID: pid } = env
  if (!/^\d{1,15}$/.test(time ?? '') || (pid !== undefined && pid !== String(process.pid))) return undefined
  return Math.max(1, Math.floor(Number(time) / 2000))
}

const patienceMs = 5_000

/**
 * The socket takes datagrams of the kind AF_UNIX, which Node does not have, so systemd's own program sends them; one at
 * a time, and not longer than `patienceMs`.
 */
function bySystemdNotify({ NOTIFY_SOCKET, PATH }: NodeJS.ProcessEnv, trouble: (message: string) => void): Send {
  let told = false
  const tell = (why: string) => {
    if (!told) trouble(`systemd hears nothing of this gateway: systemd-notify ${why}`)
    told = true
  }
  return (message) =>
    new Promise((resolve) => {
      const child = spawn('systemd-notify', message, {
        env: { NOTIFY_SOCKET, PATH },
        stdio: 'ignore',
        timeout: patienceMs,
        killSignal: 'SIGKILL',
      })
      child.once('error', (error) => {
        tell(`cannot be started: ${error.message}`)
        resolve()
      })
      child.once('close', (code) => {
        if (code !== 0) tell(`ended with ${code ?? 'a signal'}`)
        resolve()
      })
    })
}

import { setFlagsFromString } from 'node:v8'

/**
 * Switches V8's incremental marking off. Files pass through as short-lived buffers outside V8's heap; their size makes V8
 * begin to mark a heap that holds next to nothing, about a hundred times a GiB, and its helper threads take the cores
 * that TLS and SSH need. Without it a GiB costs 2.6 instead of 4.6 seconds of CPU up, 1.9 instead of 2.9 down (Node 20,
 * two cores), and the rare full collection of a small heap is short. Only this flag: turning others off in a running
 * process ends it.
 */
export function calmCollector(): void {
  setFlagsFromString('--no-incremental-marking')
}

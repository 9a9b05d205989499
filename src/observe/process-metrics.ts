import { collectDefaultMetrics, type Registry } from 'prom-client'

/** Gauges whose names end as those of counters do, which `promtool check metrics` complains of. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** What Node tells of its process: processor, memory, event loop, garbage collection. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)
}

/** What the probes look at. */
export interface GatewayStatus {
  /** Every listener takes connections. */
  readonly listening: boolean
  readonly draining: boolean
  /** `up` is undefined before the first connection or probe. */
  readonly backends: readonly { readonly name: string; readonly up: boolean | undefined }[]
}

/** The verdict of a probe; `reasons` say in words why it is not ok, or what is worth knowing although it is. */
export interface Judgement {
  readonly ok: boolean
  readonly reasons: readonly string[]
}

/** Whether the process answers; a restart helps where it does not. */
export function health(): Judgement {
  return { ok: true, reasons: [] }
}

/**
 * Whether sessions can work: listeners are open and at least one backend is up. Draining does not count, because
 * Kubernetes takes a pod that is not ready out of the way of transfers that still run.
 */
export function readiness({ listening, backends }: GatewayStatus): Judgement {
  const down = backends.filter(({ up }) => up !== true)
  const reasons = down.map(({ name, up }) => {
    return up === undefined ? `backend ${name} has not been tried yet` : `backend ${name} cannot be reached`
  })
  if (!listening) reasons.unshift('listeners are not open')
  // Where every login is relayed to an old server there is no backend at all.
  return { ok: listening && (backends.length === 0 || down.length < backends.length), reasons }
}

/** Whether a load balancer should send new clients here: as readiness, and not while draining. */
export function balance(status: GatewayStatus): Judgement {
  const { ok, reasons } = readiness(status)
  return status.draining ? { ok: false, reasons: ['draining, no new sessions', ...reasons] } : { ok, reasons }
}

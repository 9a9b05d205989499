const form = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** What scrypt may cost: one check takes 128 * r * 2^ln bytes of memory while it runs. */
export const passwordHashMemoryMax = 256 * 1024 ** 2

const argon2Form =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** Whether a text is an argon2id hash with a cost as below; `m` is in KiB. */
function isArgon2idHash(text: string): boolean {
  const [, m, t, p] = argon2Form.exec(text) ?? []
  if (m === undefined) return false
  const [memory, passes, lanes] = [Number(m), Number(t), Number(p)]
  const affordable = memory * 1024 <= passwordHashMemoryMax && passes <= 16 && lanes <= 16
  return affordable && passes >= 1 && lanes >= 1 && memory >= Math.max(4096, 8 * lanes)
}

/**
 * Whether a text is a password hash in PHC form, with a cost between "too cheap to protect anything" and "one login
 * eats the machine". Form only: `partners/password-hash.ts` makes and checks them.
 */
export function isPasswordHash(text: string): boolean {
  if (isArgon2idHash(text)) return true
  const [, ln, r, p] = form.exec(text) ?? []
  if (ln === undefined || r === undefined || p === undefined) return false
  const cost = Number(ln)
  const memory = 128 * Number(r) * 2 ** cost
  return (
    cost >= 10 && cost <= 24 && Number(r) >= 1 && Number(p) >= 1 && Number(p) <= 16 && memory <= passwordHashMemoryMax
  )
}

import { describe, expect, test, vi } from 'vitest'
import { type Backend, BackendError, type Credentials, type FileSystem } from '../../src/backend/backend.ts'
import type { PartnerAuth, PartnerConfig } from '../../src/config/config.ts'
import type { MigrationConfig, PartnerMigration } from '../../src/config/migration-config.ts'
import { RefusedLogin } from '../../src/ftp/refused-login.ts'
import { Secret } from '../../src/ftp/secret.ts'
import { createGate, type GateParts } from '../../src/migration/gate.ts'
import { Nudges } from '../../src/migration/nudges.ts'
import { nothingRecorded } from '../../src/migration/recorded-logins.ts'
import { createLogIn } from '../../src/partners/log-in.ts'
import { hashPassword } from '../../src/partners/password-hash.ts'
import { at, mover, standard } from '../migration/movers.ts'
import { MemoryBackend } from '../support/memory-backend.ts'

/** A backend that knows one password, counts who is in, and may be away. */
class House implements Backend {
  readonly name: string
  readonly up = true
  readonly asked: string[] = []
  inside = 0
  away: BackendError | undefined
  readonly files = new MemoryBackend()
  constructor(name: string) {
    this.name = name
  }
  async open(credentials: Credentials): Promise<FileSystem> {
    this.asked.push(credentials.username)
    if (this.away) throw this.away
    if (credentials.kind === 'password' && credentials.password.reveal() !== 'right')
      throw new BackendError('loginRefused', 'wrong')
    const files = await this.files.open({ kind: 'privateKey', username: 'x', privateKey: { type: 'x' } })
    this.inside++
    const close = files.close.bind(files)
    files.close = async () => {
      this.inside--
      await close()
    }
    return files
  }
  prepare() {
    return undefined
  }
  async probe(): Promise<void> {}
  async close(): Promise<void> {}
}

const common: MigrationConfig = {
  publicSftp: { host: 'sftp.example.com', port: 22 },
  link: 'https://example.com/sftp',
  contact: undefined,
  timeZone: 'Europe/Berlin',
  freezes: [],
  ladders: [standard],
}

const passthrough: PartnerAuth = { mode: 'passthrough', username: undefined }
const local: PartnerAuth = {
  mode: 'local',
  passwordHash: await hashPassword('right'),
  username: 'acme-in',
  proof: { kind: 'privateKey', privateKey: 'key', passphrase: undefined },
}

const inside = '2027-03-02T09:05Z'
const outside = '2027-03-02T09:15Z'

interface Setting {
  readonly auth?: PartnerAuth
  readonly migration?: PartnerMigration
  readonly backends?: readonly string[]
  readonly gate?: Partial<GateParts>
}

function setUp({ auth = passthrough, migration = mover().migration, backends, gate: more = {} }: Setting = {}) {
  const [main, other] = [new House('main'), new House('other')]
  const clock = { now: at(outside) }
  const gate = createGate({
    migration: common,
    defaultPhase: 'gateway',
    partners: [],
    recorded: nothingRecorded,
    nudges: new Nudges(),
    pausedUntil: async () => 0,
    now: () => clock.now,
    sleep: async () => {},
    ...more,
  })
  const partner: PartnerConfig = {
    name: 'acme',
    users: ['acme'],
    certificates: auth.mode === 'certificate' ? ['CN=acme'] : [],
    auth,
    backend: 'main',
    ...(backends && { backends }),
    migration,
    root: undefined,
    dialect: {},
  }
  const { logIn } = createLogIn({
    partners: [partner],
    backends: new Map([main, other].map((house) => [house.name, house])),
    defaultBackend: 'main',
    backendCharset: 'utf-8',
    parseKey: () => ({ type: 'key' }),
    gate,
  })
  const attempt = (instant: string, password = 'right', username = 'acme') => {
    clock.now = at(instant)
    const nothing = { certificate: undefined, address: '127.0.0.1', listener: 'explicit', preparation: undefined }
    return logIn({ username, password: new Secret(password), ...nothing })
  }
  return { main, other, attempt, logIn, clock }
}

async function refusal(login: Promise<unknown>): Promise<RefusedLogin> {
  const error = await login.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof RefusedLogin)) throw new Error(`not refused by the gate: ${error}`)
  return error
}

describe.each([
  ['passed through', passthrough],
  ['checked here', local],
])('A login that is %s', (_, auth) => {
  test('is refused in a window, with the text, and let in before and behind it', async () => {
    const { attempt, main } = setUp({ auth })
    expect(await attempt('2027-03-02T08:59:59Z')).toMatchObject({ partner: 'acme', admitted: { phase: 'brownout' } })
    expect(main.inside).toBe(1)
    const refused = await refusal(attempt(inside))
    expect(refused.outcome).toBe('brownout')
    expect(refused.reply).toMatchObject({ code: 530, coded: true })
    expect(refused.reply.lines).toEqual([
      'FTPS is switched off until 09:10 UTC (10:10 Europe/Berlin).',
      'Your password is right. FTPS ends on 2027-04-12; move to SFTP:',
      `sftp.example.com:22 - https://example.com/sftp - ref ${refused.reference}`,
    ])
    expect(main.inside).toBe(1)
    await attempt(outside)
    expect(main.inside).toBe(2)
  })

  test('with a wrong password learns nothing of a window', async () => {
    const { attempt } = setUp({ auth })
    await expect(attempt(inside, 'wrong')).rejects.toMatchObject({ kind: 'loginRefused' })
  })

  test('is refused for good once its partner is retired', async () => {
    const { attempt, main } = setUp({ auth })
    const refused = await refusal(attempt('2027-06-01T00:00Z'))
    expect([refused.outcome, refused.reply.lines[0]]).toEqual([
      'retired',
      'FTPS has ended here for this login since 2027-04-12.',
    ])
    expect(main.inside).toBe(0)
  })
})

test('A login that is checked here reaches no backend while it is refused', async () => {
  const { attempt, main } = setUp({ auth: local })
  await refusal(attempt(inside))
  expect(main.asked).toEqual([])
})

test('A login by certificate is told that its certificate is right', async () => {
  const auth: PartnerAuth = { ...local, mode: 'certificate' }
  const { logIn, clock, main } = setUp({ auth })
  clock.now = at(inside)
  const certificate = { fingerprint: 'SHA256:00', commonName: 'acme' }
  const attempt = {
    username: 'acme',
    password: undefined,
    certificate,
    address: '127.0.0.1',
    listener: 'explicit',
    preparation: undefined,
  }
  const refused = await refusal(logIn(attempt))
  expect(refused.reply.lines[1]).toContain('Your certificate is right.')
  expect(main.asked).toEqual([])
})

test('From the phase notice on, and not before, a login is told what comes', async () => {
  const { attempt } = setUp()
  expect((await attempt('2027-01-15T00:00Z')).admitted).toMatchObject({ phase: 'gateway', notice: [] })
  const { admitted } = await attempt('2027-02-15T00:00Z')
  expect(admitted?.notice[0]).toBe('FTPS ends here on 2027-04-12; please move to SFTP:')
  expect(admitted?.status[0]).toBe('Phase: notice')
})

test('The greeting says that FTPS ends once that is true of everybody', () => {
  const clock = { now: at('2027-01-15T00:00Z') }
  const greeting = (partners: GateParts['partners'], defaultPhase: GateParts['defaultPhase'] = 'notice') =>
    createGate({
      migration: common,
      defaultPhase,
      partners,
      recorded: nothingRecorded,
      nudges: new Nudges(),
      pausedUntil: async () => 0,
      now: () => clock.now,
      sleep: async () => {},
    }).greeting()
  const all = [{ name: 'acme', migration: mover().migration }]
  expect(greeting(all)).toEqual([])
  clock.now = at('2027-02-15T00:00Z')
  const lines = ['FTPS will end here; please move to SFTP:', 'SFTP: sftp.example.com:22', 'https://example.com/sftp']
  expect(greeting(all)).toEqual(lines)
  expect(greeting(all, 'gateway')).toEqual([])
  expect(greeting([...all, { name: 'bolt' }])).toEqual([])
})

test('A slow login waits and is let in', async () => {
  const sleep = vi.fn(async () => {})
  const { attempt, main } = setUp({ migration: mover({ mode: 'slow' }).migration, gate: { sleep } })
  await attempt(inside)
  expect(sleep).toHaveBeenCalledExactlyOnceWith(20_000)
  await attempt(outside)
  expect(sleep).toHaveBeenCalledOnce()
  expect(main.inside).toBe(2)
})

test('A pause lets everybody in', async () => {
  const { attempt, main } = setUp({ gate: { pausedUntil: async () => at('2027-03-02T09:06Z') } })
  await attempt(inside)
  expect(main.inside).toBe(1)
})

test('A user of no partner is in the phase that the configuration has for them', async () => {
  const { attempt } = setUp({ gate: { defaultPhase: 'retired' } })
  expect((await refusal(attempt(outside, 'right', 'joe'))).outcome).toBe('retired')
  await expect(attempt(outside, 'wrong', 'joe')).rejects.toMatchObject({ kind: 'loginRefused' })
})

test('The windows of a partner do not move while logins are being recorded', async () => {
  const logins = [at('2027-02-23T09:05Z')]
  const recorded = {
    ...nothingRecorded,
    instants: async (_: string, from: number, to: number) => logins.filter((login) => from <= login && login < to),
  }
  const { attempt, main } = setUp({ migration: mover({ align: 'observed', at: [] }).migration, gate: { recorded } })
  expect((await refusal(attempt('2027-03-02T09:05Z'))).outcome).toBe('brownout')
  for (let i = 0; i < 50; i++) logins.push(at('2027-03-04T20:00Z'))
  await attempt('2027-03-04T20:00Z')
  await attempt('2027-03-11T20:00Z')
  expect((await refusal(attempt('2027-03-09T09:05Z'))).outcome).toBe('brownout')
  expect(main.inside).toBe(2)
})

test('While the recorded logins cannot be read nobody is refused, and afterwards again', async () => {
  let broken = true
  const recorded = {
    ...nothingRecorded,
    async instants() {
      if (broken) throw new Error('no such journal')
      return [at('2027-02-23T09:05Z')]
    },
  }
  const { attempt, main } = setUp({ migration: mover({ align: 'observed', at: [] }).migration, gate: { recorded } })
  await attempt(inside)
  expect(main.inside).toBe(1)
  broken = false
  expect((await refusal(attempt(inside))).outcome).toBe('brownout')
})

test('A partner that would be relayed finds no relay', async () => {
  const { attempt, main } = setUp({ migration: { ...mover().migration, phase: 'legacy' } })
  await expect(attempt(outside)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(main.asked).toEqual([])
})

describe.each([
  ['passed through', passthrough],
  ['checked here', local],
])('Several backends, of a login that is %s', (_, auth) => {
  const several = { auth, backends: ['main', 'other'] }
  const away = new BackendError('unavailable', 'no connection')

  test('are tried in their order, the next one when one is away', async () => {
    const { attempt, main, other } = setUp(several)
    expect(await attempt(outside)).toMatchObject({ backend: 'main' })
    expect(other.asked).toEqual([])
    main.away = away
    expect(await attempt(outside)).toMatchObject({ backend: 'other' })
  })

  test('are all away together for the reason of the first', async () => {
    const { attempt, main, other } = setUp(several)
    main.away = away
    other.away = new BackendError('unavailable', 'not trusted')
    await expect(attempt(outside)).rejects.toThrow('no connection')
  })

  test('are not tried for what one of them refuses', async () => {
    const { attempt, main, other } = setUp(several)
    main.away = new BackendError('loginRefused', 'unknown user')
    await expect(attempt(outside)).rejects.toBeInstanceOf(BackendError)
    expect(other.asked).toEqual([])
  })
})

describe('How partners stand', () => {
  const standing = async (instant: string, move = mover().migration, more: Partial<GateParts> = {}) => {
    const partners = [{ name: 'acme', migration: move }, { name: 'bolt' }]
    const gate = createGate({
      migration: common,
      defaultPhase: 'gateway',
      partners,
      recorded: nothingRecorded,
      nudges: new Nudges(),
      pausedUntil: async () => 0,
      now: () => at(instant),
      sleep: async () => {},
      ...more,
    })
    const [acme, bolt] = await gate.standings()
    expect(bolt).toEqual({ partner: 'bolt', brownout: false, sunset: undefined })
    expect([acme?.partner, acme?.sunset]).toEqual(['acme', at('2027-04-11T22:00Z')])
    return acme?.brownout
  }

  test('is seen while a window is open, and the end of FTPS at any time', async () => {
    expect(await standing(inside)).toBe(true)
    expect(await standing(outside)).toBe(false)
    expect(await standing('2027-01-01T00:00Z')).toBe(false)
    expect(await standing('2027-05-01T00:00Z')).toBe(false)
  })

  test('is not in a brownout while brownouts are paused, and a nudge has no windows', async () => {
    expect(await standing(inside, undefined, { pausedUntil: async () => at('2027-03-02T09:06Z') })).toBe(false)
    expect(await standing(inside, mover({ mode: 'slow' }).migration)).toBe(true)
    expect(await standing(inside, mover({ mode: 'nudge' }).migration)).toBe(false)
  })
})

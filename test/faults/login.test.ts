import { expect, test } from 'vitest'
import { Dialogue } from '../support/dialogue.ts'
import { startTestGateway, type TestGateway } from '../support/gateway-under-test.ts'
import { usePlace } from '../support/place.ts'
import { startSshd, unknownFingerprint } from '../support/sshd.ts'

const place = usePlace()

async function connect(gateway: TestGateway): Promise<Dialogue> {
  const client = await Dialogue.connect({ port: gateway.implicit, tls: 'implicit', certificate: gateway.certificate })
  await client.dialogue('< 220')
  return client
}

test('a wrong password gets 530 after a delay, and the right one then logs in', async () => {
  const client = await connect(place.gateway)
  const { name, password } = place.sshd.user
  await client.dialogue(`> USER ${name}`, '< 331')
  const startedAt = performance.now()
  await client.dialogue('> PASS wrong', '< 530 Login incorrect.')
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990)
  await client.dialogue('> PWD', '< 530', `> USER ${name}`, '< 331', `> PASS ${password}`, '< 230', '> QUIT', '< 221')
  const outcomes = place.gateway.log.flatMap((event) => (event.kind === 'login' ? [event.outcome] : []))
  expect(outcomes).toEqual(['bad_password', 'ok'])
})

test('a user that the backend does not know gets the same dialogue', async () => {
  const client = await connect(place.gateway)
  await client.dialogue('> USER nobody-here', '< 331', '> PASS wrong', '< 530 Login incorrect.')
  client.close()
})

test('F35 the host key is another one than the pinned: no password is sent, 421, and the log names both keys', async () => {
  // A server of its own, whose log holds nothing but this test.
  const sshd = await startSshd()
  const pinned = unknownFingerprint()
  const { host, port } = sshd
  const settings = {
    backends: [
      { name: 'right', host: place.sshd.host, port: place.sshd.port, hostKeys: [place.sshd.fingerprints.ed25519] },
      { name: 'wrong', host, port, hostKeys: [pinned] },
    ],
    defaults: { backend: 'wrong' },
  }
  const gateway = await startTestGateway({ sshd, settings })
  const client = await connect(gateway)
  await client.dialogue(`> USER ${sshd.user.name}`, '< 331', `> PASS ${sshd.user.password}`, '< 421')
  await client.closed()
  const failures = gateway.log.filter((event) => event.kind === 'backendConnection' && event.backend === 'wrong')
  const last = failures.at(-1)
  expect(last).toMatchObject({ outcome: 'host_key', reason: expect.stringContaining(pinned) })
  const shown = Object.values(sshd.fingerprints).filter((key) => JSON.stringify(last).includes(key))
  expect(shown).toHaveLength(1)
  expect(sshd.log()).toContain('Connection from 127.0.0.1')
  expect(sshd.log()).not.toContain('userauth-request')
  await gateway.stop()
  // The same login with the right pin, so that the silence above proves something.
  const trusting = await startTestGateway({ sshd })
  const second = await connect(trusting)
  await second.dialogue(`> USER ${sshd.user.name}`, '< 331', `> PASS ${sshd.user.password}`, '< 230')
  expect(sshd.log()).toContain(`userauth-request for user ${sshd.user.name} service ssh-connection method password`)
  second.close()
  await trusting.stop()
  await sshd.stop()
})

test('a backend that is down gives 421, because trying again later can help', async () => {
  const sshd = await startSshd()
  const gateway = await startTestGateway({ sshd })
  await sshd.stop()
  const client = await connect(gateway)
  await client.dialogue(`> USER ${sshd.user.name}`, '< 331', `> PASS ${sshd.user.password}`, '< 421')
  await client.closed()
  expect(gateway.log).toContainEqual(expect.objectContaining({ kind: 'backendConnection', outcome: 'refused' }))
  await gateway.stop()
})

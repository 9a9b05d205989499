import { expect, test } from 'vitest'
import { configOf, partnerFaults, smallest } from './folder.ts'

const globals = `${smallest}partners: p/*.yaml\n`

test('a partner names the networks and listeners that its users come from', async () => {
  const { partners } = await configOf({
    'gateway.yaml': globals,
    'p/a.yaml': 'name: a\nmatch: { users: [a], sources: [10.0.0.0/8, "2001:db8::1"], listeners: [implicit] }\n',
  })
  expect(partners).toMatchObject([{ users: ['a'], sources: ['10.0.0.0/8', '2001:db8::1'], listeners: ['implicit'] }])
})

test('a partner may have no users where it has networks or listeners', async () => {
  const { partners } = await configOf({
    'gateway.yaml': globals,
    'p/a.yaml': 'name: a\nmatch: { sources: [10.0.0.0/8] }\n',
    'p/b.yaml': 'name: b\nmatch: { listeners: [implicit] }\n',
    'p/c.yaml': 'name: c\nmatch: { sources: [10.0.0.0/8], listeners: [implicit] }\n',
    'p/d.yaml': 'name: d\nmatch: { users: [d], sources: [10.0.0.0/8] }\n',
  })
  expect(partners.map(({ users }) => users.length)).toEqual([0, 0, 0, 1])
})

test('a network that is none, and a listener that does not exist, are faults', async () => {
  const partner = 'name: a\nmatch:\n  users: [a]\n  sources: [10.1.2.3/8, fe80::/200]\n  listeners: [implizit]\n'
  expect(await partnerFaults(partner)).toEqual([
    expect.stringMatching(
      /^partners.d\/acme.yaml:4:13 match.sources\[0\]: must be a network such as .*, not "10.1.2.3\/8"$/,
    ),
    expect.stringContaining('4:25 match.sources[1]: must be a network'),
    expect.stringMatching(/5:15 match.listeners\[0\]: no listener is named "implizit" \(did you mean "implicit"\?\)$/),
  ])
})

test('two partners without users cannot have one network, however it is written, or one listener', async () => {
  const [first, second] = ['match: { sources: ["::ffff:10.0.0.0/104"] }', 'match: { sources: [10.0.0.0/8] }']
  expect(await partnerFaults(`name: a\n${first}`, { 'partners.d/b.yaml': `name: b\n${second}` })).toEqual([
    'partners.d/b.yaml:2:20 match.sources[0]: source "10.0.0.0/8" is in partners.d/acme.yaml:2:20 already',
  ])
  const listeners = 'match: { listeners: [implicit] }'
  expect(await partnerFaults(`name: a\n${listeners}`, { 'partners.d/b.yaml': `name: b\n${listeners}` })).toEqual([
    'partners.d/b.yaml:2:22 match.listeners[0]: listener "implicit" is in partners.d/acme.yaml:2:22 already',
  ])
})

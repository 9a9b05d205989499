import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Setting, withKey } from '../../src/config/partner-file.ts'

const file = `# ACME, see the ticket
name: acme   # as in the logs
match: { users:   [acme, 'acme_test'] }

phase:  auto   # follows the timeline
timeline:
  # moved twice
  notice: 2027-02-01
hold: null
`

const set = (text: string, key: string, value: Setting) => withKey(text, key, value).text

describe('A key that is set', () => {
  test('changes its value and nothing else', () => {
    expect(set(file, 'phase', 'gateway')).toBe(file.replace('auto ', 'gateway '))
    const hold = { reason: 'new "ERP": half # done', until: '2027-03-01' }
    const held = set(file, 'hold', hold)
    expect(held).toBe(file.replace('null', '{ reason: "new \\"ERP\\": half # done", until: "2027-03-01" }'))
    expect(parse(held)).toMatchObject({ hold })
  })

  test('is put at the end when it was not there', () => {
    const without = file.replace(/phase.*\n/, '')
    expect(set(without, 'phase', 'retired')).toBe(`${without}phase: retired\n`)
    expect(set('name: a', 'phase', 'retired')).toBe('name: a\nphase: retired\n')
  })

  test('takes the place of a block, and of nothing', () => {
    const blocks = 'name: a\nhold:\n  reason: x\n  until: 2027-03-01\n# the end\nphase:\n'
    const text = set(set(blocks, 'hold', null), 'phase', 'notice')
    expect(parse(text)).toEqual({ name: 'a', hold: null, phase: 'notice' })
    expect(text).toContain('# the end')
  })

  test('is set in a file that is JSON', () => {
    expect(parse(set('{"name":"a","match":{"users":["a"]}}', 'phase', 'notice'))).toEqual({
      name: 'a',
      match: { users: ['a'] },
      phase: 'notice',
    })
    expect(parse(set('{"name":"a","phase":"auto"}', 'phase', 'notice'))).toEqual({ name: 'a', phase: 'notice' })
  })

  test.each(['', '- a\n', 'name: [', 'just text'])('is refused in %j', (text) => {
    expect(() => set(text, 'phase', 'notice')).toThrow('not a map')
  })
})

describe('The difference', () => {
  test('is that of a line', () => {
    expect(withKey(file, 'phase', 'gateway').difference).toEqual([
      '@@ line 5 @@',
      '-phase:  auto   # follows the timeline',
      '+phase:  gateway   # follows the timeline',
    ])
  })

  test('shows a new line', () => {
    expect(withKey('name: a\n', 'phase', 'auto').difference).toEqual(['@@ line 2 @@', '+phase: auto'])
  })

  test('is empty between equal texts', () => expect(withKey(file, 'phase', 'auto').difference).toEqual([]))

  test('never shows another key, even where all stand in one line', () => {
    const line = '{"name":"a","phase":"auto","auth":{"sftp":{"password":"canary"}}}'
    expect(withKey(line, 'phase', 'notice').difference).toEqual(['-phase: auto', '+phase: notice'])
    expect(withKey(line, 'hold', null).difference).toEqual(['+hold: null'])
    expect(withKey(line, 'phase', 'auto').difference).toEqual([])
  })
})

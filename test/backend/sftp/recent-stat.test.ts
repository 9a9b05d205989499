import { expect, test } from 'vitest'
import { RecentStat } from '../../../src/backend/sftp/recent-stat.ts'

const attrs = { size: 5 }

test('what one asker was told another may be told within two seconds, once', () => {
  let now = 0
  const recent = new RecentStat(() => now)
  recent.learn('/file', attrs, 'SIZE')
  expect(recent.tell('/file', 'SIZE')).toBeUndefined()
  expect(recent.tell('/other', 'MDTM')).toBeUndefined()
  expect(recent.tell('/file', 'MDTM')).toBe(attrs)
  expect(recent.tell('/file', 'MDTM')).toBeUndefined()
  now = 2001
  expect(recent.tell('/file', 'MLST')).toBeUndefined()
})

test('a client that polls SIZE sees every change', () => {
  const recent = new RecentStat()
  recent.learn('/file', attrs, 'SIZE')
  recent.learn('/file', { size: 6 }, 'SIZE')
  expect(recent.tell('/file', 'SIZE')).toBeUndefined()
  expect(recent.tell('/file', 'MDTM')).toEqual({ size: 6 })
})

test('what an upload has come to is told to the first who asks; what was changed is forgotten', () => {
  const recent = new RecentStat()
  recent.learn('/file', attrs)
  expect(recent.tell('/file', 'SIZE')).toBe(attrs)
  expect(recent.tell('/file', 'MDTM')).toBe(attrs)
  recent.learn('/file', attrs)
  recent.forget()
  expect(recent.tell('/file', 'SIZE')).toBeUndefined()
})

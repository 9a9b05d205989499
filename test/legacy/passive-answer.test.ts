import { expect, test } from 'vitest'
import { extendedPort, passiveAddress } from '../../src/legacy/passive-answer.ts'

test.each([
  ['229 Entering Extended Passive Mode (|||50001|)', 50_001],
  ['229 (!!!21!)', 21],
  ['229 Extended (|||0|)', undefined],
  ['229 Extended (|||70000|)', undefined],
  ['229 Extended passive mode', undefined],
])('an answer to EPSV names a port: %s', (text, port) => {
  expect(extendedPort(text)).toBe(port)
})

test.each([
  ['227 Entering Passive Mode (203,0,113,9,195,80).', { host: '203.0.113.9', port: 50_000 }],
  ['227 Entering Passive Mode. 203,0,113,9,0,21', { host: '203.0.113.9', port: 21 }],
  ['227 =203,0,113,9,4,1', { host: '203.0.113.9', port: 1025 }],
  ['227 Passive (203,0,113,256,4,1)', undefined],
  ['227 Passive (203,0,113,9,0,0)', undefined],
  ['227 Passive', undefined],
])('an answer to PASV names an address: %s', (text, address) => {
  expect(passiveAddress(text, '198.51.100.1')).toEqual(address)
})

test.each(['192,168,1,2', '10,0,0,1', '127,0,0,1', '0,0,0,0', '100,64,0,1'])(
  'an address of the inside, %s, is that of the control connection',
  (inner) => {
    expect(passiveAddress(`227 (${inner},195,80)`, '198.51.100.1')).toEqual({ host: '198.51.100.1', port: 50_000 })
  },
)

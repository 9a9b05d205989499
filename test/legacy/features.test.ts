import { expect, test } from 'vitest'
import { relayedFeatures } from '../../src/legacy/features.ts'

function answer(code: number, verbatim: string) {
  return { code, lines: [''] as [string], verbatim }
}

test('FEAT is the old server’s own, without what cannot be relayed, and with what is answered here', () => {
  const theirs =
    '211-Features:\r\n AUTH TLS\r\n EPRT\r\n MDTM\r\n PROT\r\n REST STREAM\r\n SSCN\r\n tvfs;\r\n211 End\r\n'
  const { code, verbatim } = relayedFeatures(answer(211, theirs), ['AUTH TLS', 'EPSV'])
  expect(code).toBe(211)
  expect(verbatim).toBe('211-Features:\r\n MDTM\r\n REST STREAM\r\n tvfs;\r\n AUTH TLS\r\n EPSV\r\n211 End\r\n')
})

test('features of servers that begin each line with the code are known, too', () => {
  const { verbatim } = relayedFeatures(answer(211, '211-Features:\r\n211-CCC\r\n211-SIZE\r\n211 End\r\n'), [])
  expect(verbatim).toBe('211-Features:\r\n211-SIZE\r\n211 End\r\n')
})

test.each([
  [500, '500 What?\r\n'],
  [211, '211 No features\r\n'],
])('what is no list of features stays as it is: %i', (code, text) => {
  expect(relayedFeatures(answer(code, text), ['AUTH TLS']).verbatim).toBe(text)
})

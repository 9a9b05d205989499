import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** The acceptance tests of the FTP side: a test or a block of tests has the number in front of its sentence. */
const numbers = Array.from({ length: 21 }, (_, i) => i + 1)

test('every acceptance test, T1 to T21, is there', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.test.ts'),
  )
  const sentences = files.flatMap((file) => {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8')
    return [...text.matchAll(/['"`]T(\d+)[:,]/g)].map(([, number]) => Number(number))
  })
  expect(numbers.filter((number) => !sentences.includes(number))).toEqual([])
})

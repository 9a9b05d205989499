import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fromText } from '../../src/ftp/bytes.ts'
import { makeFixture, namesIn } from '../support/fixtures.ts'
import { usePlace } from '../support/place.ts'
import { ftplib } from './ftplib.ts'
import { testClient } from './suite.ts'

testClient(ftplib('Python ftplib', false))
testClient(ftplib('Python ftplib with TLS session reuse', true))

describe("ftplib with encoding='cp1252', where the configuration says windows-1252", () => {
  const place = usePlace({ names: { charset: 'windows-1252' } })
  const client = ftplib('ftplib', true, 'cp1252')

  test('puts, lists, gets, renames and removes names that are UTF-8 on the disk', async () => {
    const { path } = await makeFixture(place.local, 1000)
    const copy = join(place.local, 'copy')
    const listed = await client.perform(place.site('explicit', '1.3'), [
      { do: 'makeDirectory', directory: 'Übung ÿ' },
      { do: 'put', local: path, remote: 'Übung ÿ/Größe €.txt' },
      { do: 'list', directory: 'Übung ÿ' },
      { do: 'get', remote: 'Übung ÿ/Größe €.txt', local: copy },
      { do: 'rename', from: 'Übung ÿ/Größe €.txt', to: 'Größe „€“.txt' },
      { do: 'removeDirectory', directory: 'Übung ÿ' },
      { do: 'list', directory: '' },
    ])
    expect(listed).toEqual([['Größe €.txt'], ['Größe „€“.txt']])
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true)
    expect(namesIn(place.home)).toEqual([fromText('Größe „€“.txt')])
  })

  test('is shown ? for what windows-1252 does not have, and the operator hears of it', async () => {
    place.give(fromText('Жук.txt'), await makeFixture(place.local, 1))
    const list = { do: 'list', directory: '' } as const
    expect(await client.perform(place.site('explicit', '1.3'), [list])).toEqual([['???.txt']])
    const remove = { do: 'remove', remote: '???.txt' } as const
    await expect(client.perform(place.site('explicit', '1.3'), [remove])).rejects.toThrow('550')
    expect(namesIn(place.home)).toEqual([fromText('Жук.txt')])
    expect(place.gateway.log).toContainEqual(expect.objectContaining({ kind: 'namesLost', names: 1 }))
  })
})

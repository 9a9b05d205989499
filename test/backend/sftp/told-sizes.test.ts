import { describe, expect, test } from 'vitest'
import { type Continued, type Told, ToldSizes } from '../../../src/backend/sftp/told-sizes.ts'

const rows: readonly [told: Told | undefined, now: Continued, refused: boolean, why: string][] = [
  [undefined, { start: 9, in: 'file', by: 'append' }, false, 'nothing was told: a line is added to a log'],
  [undefined, { start: 9, in: 'partial', by: 'append' }, false, 'nothing was told: the client knows where it was'],
  [{ size: 5, of: 'file' }, { start: 9, in: 'file', by: 'append' }, false, 'somebody else has added to the log'],
  [{ size: 5, of: 'file' }, { start: 5, in: 'file', by: 'restart' }, false, 'goes on in the file it asked for'],
  [{ size: 5, of: 'file' }, { start: 9, in: 'partial', by: 'append' }, true, 'its upload broke after it had asked'],
  [{ size: 5, of: 'file' }, { start: 5, in: 'partial', by: 'restart' }, false, 'REST says where its bytes belong'],
  [{ size: 5, of: 'partial' }, { start: 5, in: 'partial', by: 'append' }, false, 'goes on where it was told to'],
  [{ size: 5, of: 'partial' }, { start: 8, in: 'partial', by: 'append' }, true, 'another session has been there'],
  [{ size: 5, of: 'partial' }, { start: 9, in: 'file', by: 'append' }, true, 'its partial file is gone: only a rest'],
  [{ size: 5, of: 'partial' }, { start: 5, in: 'file', by: 'restart' }, true, 'its partial file is gone: another head'],
  [
    { size: 5, of: 'doubtful' },
    { start: 5, in: 'file', by: 'restart' },
    true,
    'the size of the old file, not of its own',
  ],
  [
    { size: 5, of: 'doubtful' },
    { start: 5, in: 'file', by: 'append' },
    true,
    'the size of the old file, not of its own',
  ],
  [{ size: 5, of: 'doubtful' }, { start: 9, in: 'partial', by: 'append' }, true, 'more has come meanwhile'],
  [{ size: 5, of: 'doubtful' }, { start: 5, in: 'partial', by: 'restart' }, false, 'what is before is its own'],
]

describe('who goes on with a file has to ask again', () => {
  test.each(rows)('told %o, finds %o: %s (%s)', (told, now, refused) => {
    const sizes = new ToldSizes()
    if (told) sizes.tell('f', told)
    expect(sizes.contradict('f', now)).toBe(refused)
  })

  test('what a session has put there itself is no contradiction', () => {
    const sizes = new ToldSizes()
    sizes.tell('f', { size: 5, of: 'partial' })
    sizes.forget('f')
    expect(sizes.contradict('f', { start: 9, in: 'file', by: 'append' })).toBe(false)
  })
})

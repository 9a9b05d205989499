import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bashCompletion } from '../../src/cli/completion.ts'
import { run, runOk } from '../support/run.ts'
import { sayVerb } from '../support/verb.ts'

let folder: string
let script: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'completion-'))
  mkdirSync(join(folder, 'gateways'))
  writeFileSync(join(folder, 'gateway one.yaml'), '')
  const said = await verb('bash')
  expect(said.code).toBe(0)
  script = join(folder, 'completion')
  writeFileSync(script, said.stdout)
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

async function verb(...args: readonly string[]) {
  return sayVerb(['completion', ...args])
}

/** What bash offers behind these words, the last of which is still being typed. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const program = `set -u; source "$1"; shift
    [[ $(complete -p ftps-gateway) == *"-F _ftps_gateway"* ]] || exit 9
    COMP_WORDS=(ftps-gateway "$@"); COMP_CWORD=$#; _ftps_gateway
    printf '%s\\n' \${COMPREPLY[@]+"\${COMPREPLY[@]}"}`
  const text = await runOk('bash', ['--norc', '-c', program, 'bash', script, ...words], { cwd: folder })
  return text
    .toString()
    .split('\n')
    .filter((line) => line !== '')
}

describe('bash', () => {
  test('completes verbs, those behind help too', async () => {
    expect(await offered('he')).toEqual(['health', 'help'])
    expect(await offered('help', 'doc')).toEqual(['doctor'])
    expect(await offered('')).toEqual(expect.arrayContaining(['serve', 'ports', 'completion', 'version']))
  })

  test('completes the options of a verb, and only those', async () => {
    expect(await offered('ports', '--')).toEqual(['--config', '--format', '--json', '--help'])
    expect(await offered('doctor', '--json', '--p')).toEqual(['--partner', '--probe', '--ports', '--password-env'])
    expect(await offered('schema', '')).toEqual(['gateway', 'partner', '--help'])
  })

  test('completes what an option takes: words, files with blanks, or nothing', async () => {
    expect(await offered('ports', '--format', 'nf')).toEqual(['nftables'])
    expect((await offered('serve', '--config', 'gate')).sort()).toEqual(['gateway one.yaml', 'gateways'])
    expect(await offered('test', '--user', '')).toEqual([])
  })

  test('takes the script without complaint', async () => {
    expect(await run('bash', ['-n', script])).toMatchObject({ code: 0, stderr: '' })
  })
})

test('A new verb is completed by what it says of itself', () => {
  const details = '  --file FILE   a file\n  --all         everything\n'
  const text = bashCompletion([{ name: 'sweep', synopsis: '', summary: '', details, run: async () => 0 }])
  expect(text).toContain(`sweep) words='--file --all --help'`)
  expect(text).toMatch(/'sweep --file'\).*compgen -f/)
})

test('Another shell is refused', async () => {
  expect(await verb('zsh')).toMatchObject({ code: 64, stderr: expect.stringContaining('only for bash') })
})

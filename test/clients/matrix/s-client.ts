import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import type { Site } from '../../support/place.ts'
import { type Client, clientEnvironment, clientTimeoutMs, hostInUrl, type Step } from '../client.ts'

/** What people type by hand: `openssl s_client` for the control connection, and another one for each data connection. */
export const sClient: Client = {
  name: 'openssl s_client',
  async perform(site, steps) {
    const started: ChildProcessWithoutNullStreams[] = []
    const start = (port: number, ...options: string[]) => {
      const child = startSClient(site, port, options)
      started.push(child)
      return child
    }
    // Ending the processes ends every wait below.
    const timer = setTimeout(() => kill(started), clientTimeoutMs)
    try {
      const control = start(site.port, '-crlf', ...(site.mode === 'explicit' ? ['-starttls', 'ftp'] : []))
      return await dialogue(site, control, start, steps)
    } finally {
      clearTimeout(timer)
      kill(started)
    }
  },
}

function startSClient(site: Site, port: number, options: readonly string[]): ChildProcessWithoutNullStreams {
  const args = [
    's_client',
    '-quiet',
    '-connect',
    `${hostInUrl(site)}:${port}`,
    '-CAfile',
    site.certificate,
    '-verify_return_error',
    `-tls${site.tls.replace('.', '_')}`,
    ...options,
  ]
  const child = spawn('openssl', args, { env: clientEnvironment(site), cwd: site.folder })
  child.stderr.resume()
  child.stdin.on('error', () => undefined)
  return child
}

async function dialogue(
  site: Site,
  control: ChildProcessWithoutNullStreams,
  start: (port: number, ...options: string[]) => ChildProcessWithoutNullStreams,
  steps: readonly Step[],
): Promise<string[][]> {
  const replies = finalReplies(control)
  const expectReply = async (what: string, code: RegExp) => {
    const { value = 'the end' } = await replies.next()
    if (!code.test(value)) throw new Error(`s_client: ${what}: ${value}`)
    return value
  }
  const ask = (line: string, code: RegExp) => {
    control.stdin.write(`${line}\n`)
    return expectReply(line.replace(/^PASS .*/, 'PASS'), code)
  }
  const transfer = async (line: string, move: (data: ChildProcessWithoutNullStreams) => Promise<unknown>) => {
    const port = /\|\|\|(\d+)\|/.exec(await ask('EPSV', /^229 /))?.[1]
    // Else it would take no notice of the end of what it has to send.
    const data = start(Number(port), '-no_ign_eof')
    await ask(line, /^150 /)
    await move(data)
    await expectReply(line, /^226 /)
  }
  // By STARTTLS, s_client has taken the greeting for itself.
  if (site.mode === 'implicit') await expectReply('greeting', /^220 /)
  await ask(`USER ${site.user}`, /^331 /)
  await ask(`PASS ${site.password}`, /^230 /)
  await ask('PBSZ 0', /^200 /)
  await ask('PROT P', /^200 /)
  await ask('TYPE I', /^200 /)
  const lists: string[][] = []
  for (const step of steps) {
    if (step.do === 'put') {
      await transfer(`STOR ${step.remote}`, (data) => pipeline(createReadStream(step.local), data.stdin))
    } else if (step.do === 'get') {
      await transfer(`RETR ${step.remote}`, (data) => pipeline(data.stdout, createWriteStream(step.local)))
    } else if (step.do === 'list') {
      await transfer('NLST', async (data) => void lists.push(await linesOf(data)))
    } else if (step.do === 'rename') {
      await ask(`RNFR ${step.from}`, /^350 /)
      await ask(`RNTO ${step.to}`, /^250 /)
    } else if (step.do === 'remove') {
      await ask(`DELE ${step.remote}`, /^250 /)
    } else if (step.do === 'makeDirectory') {
      await ask(`MKD ${step.directory}`, /^257 /)
    } else if (step.do === 'removeDirectory') {
      await ask(`RMD ${step.directory}`, /^250 /)
    }
  }
  await ask('QUIT', /^221 /)
  return lists
}

async function* finalReplies(control: ChildProcessWithoutNullStreams): AsyncGenerator<string> {
  for await (const line of createInterface({ input: control.stdout })) {
    if (/^\d{3} /.test(line)) yield line
  }
}

async function linesOf(data: ChildProcessWithoutNullStreams): Promise<string[]> {
  const lines: string[] = []
  for await (const line of createInterface({ input: data.stdout })) lines.push(line)
  return lines
}

function kill(children: readonly ChildProcessWithoutNullStreams[]): void {
  for (const child of children) child.kill('SIGKILL')
}

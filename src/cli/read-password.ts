import { UsageError } from './verb.ts'

const bytesMax = 1024

/**
 * The password that a person types and is not shown, or the one line of a pipe or file. A new one is asked twice. Throws
 * UsageError when there is none, more than one line, more than 1024 bytes, or when the two differ.
 */
export async function readPassword(
  stdin: NodeJS.ReadStream,
  prompt: { write(text: string): unknown },
  kind: 'new' | 'known' = 'new',
): Promise<string> {
  const password = stdin.isTTY ? await ask(stdin, prompt, kind) : await readLine(stdin)
  if (password === '') throw new UsageError('the password is empty')
  if (Buffer.byteLength(password) > bytesMax) throw new UsageError(`the password is longer than ${bytesMax} bytes`)
  return password
}

async function readLine(stdin: AsyncIterable<Buffer | string>): Promise<string> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of stdin) {
    bytes = Buffer.concat([bytes, Buffer.from(chunk)])
    if (bytes.length > 2 * bytesMax) break
  }
  const line = bytes.toString('utf8').replace(/\r?\n$/, '')
  if (/[\r\n]/.test(line)) throw new UsageError('the password has more than one line')
  return line
}

/** Raw mode keeps the terminal from showing what is typed. */
async function ask(
  stdin: NodeJS.ReadStream,
  prompt: { write(text: string): unknown },
  kind: 'new' | 'known',
): Promise<string> {
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  const typed = typedLines(stdin)
  try {
    prompt.write('Password: ')
    const first = await typed.next()
    if (kind === 'known') return first.value ?? ''
    prompt.write('\nAgain: ')
    const second = await typed.next()
    if (first.value !== second.value) throw new UsageError('the two passwords differ')
    return first.value ?? ''
  } finally {
    stdin.setRawMode(false)
    prompt.write('\n')
    await typed.return(undefined)
  }
}

/** Lines as they are typed. In raw mode the keys that edit a line are ours to carry out. */
async function* typedLines(stdin: AsyncIterable<string>): AsyncGenerator<string, undefined, undefined> {
  let line: string[] = []
  for await (const chunk of stdin) {
    for (const key of chunk) {
      if (key === '\x03' || key === '\x04') throw new UsageError('no password was given')
      if (key === '\r' || key === '\n') {
        yield line.join('')
        line = []
      } else if (key === '\x7f' || key === '\b') line.pop()
      else if (key === '\x15') line = []
      else if (line.length <= bytesMax) line.push(key)
    }
  }
}

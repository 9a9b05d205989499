import { UsageError } from './verb.ts'

const bytesMax = 1024

/**
 * The password that a person types, asked twice and not shown, or the one line of a pipe or file. Throws UsageError
 * when there is none, more than one line, more than 1024 bytes, or when the two differ.
 */
export async function readPassword(
  stdin: NodeJS.ReadStream,
  prompt: { write(text: string): unknown },
): Promise<string> {
  if (!stdin.isTTY) return readLine(stdin)
  const password = await ask('Password: ', stdin, prompt)
  if ((await ask('Again: ', stdin, prompt)) !== password) throw new UsageError('the two passwords differ')
  return password
}

async function readLine(stdin: AsyncIterable<Buffer | string>): Promise<string> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of stdin) {
    bytes = Buffer.concat([bytes, Buffer.from(chunk)])
    if (bytes.length > bytesMax) throw new UsageError(`the password is longer than ${bytesMax} bytes`)
  }
  const line = bytes.toString('utf8').replace(/\r?\n$/, '')
  if (/[\r\n]/.test(line)) throw new UsageError('the input has more than one line')
  return line
}

/** Raw mode keeps the terminal from showing what is typed; its editing keys are then ours to carry out. */
async function ask(
  question: string,
  stdin: NodeJS.ReadStream,
  prompt: { write(text: string): unknown },
): Promise<string> {
  prompt.write(question)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  let typed: string[] = []
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const key of chunk as string) {
        if (key === '\r' || key === '\n') return typed.join('')
        if (key === '\x03' || key === '\x04') throw new UsageError('no password was given')
        if (key === '\x7f' || key === '\b') typed.pop()
        else if (key === '\x15') typed = []
        else typed.push(key)
      }
      if (typed.length > bytesMax) throw new UsageError(`the password is longer than ${bytesMax} bytes`)
    }
    throw new UsageError('no password was given')
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    prompt.write('\n')
  }
}

import { randomBytes } from 'node:crypto'
import { type ByteString, printable } from '../../ftp/bytes.ts'
import { join } from '../../ftp/pathname.ts'
import type { FileSystem } from '../backend.ts'
import { isRefusedAltogether, isUnsupported } from './failures.ts'
import {
  failed,
  inWords,
  missing,
  ok,
  type PreflightStep,
  runSteps,
  type StepPlan,
  type StepResult,
} from './preflight-step.ts'
import { removeAll, Trial, type TrialParts } from './preflight-trial.ts'
import { renameOver } from './rename.ts'
import type { SftpClient } from './sftp-client.ts'
import { isInPlace } from './upload-place.ts'
import type { UploadSettings } from './upload-settings.ts'
import { extension } from './wire.ts'

export interface PreflightParts extends TrialParts {
  /** The same session as clients of the gateway see it. */
  readonly files: FileSystem
  readonly settings: Pick<UploadSettings, 'tag' | 'gateway' | 'staging' | 'mode' | 'fsync' | 'verify'>
  readonly tell: (step: PreflightStep) => void
  readonly signal: AbortSignal
  /** Another session of the account, to tidy up when the first was lost. */
  another(): Promise<SftpClient>
}

/** More than one WRITE for every server, and little enough for a mailbox. */
const contentBytes = 300_000

/**
 * Does with one account what an upload does, a request at a time, and says of each step how it went. Files have names
 * that nobody else has; they begin with a dot, as those of uploads do, and are gone at the end.
 */
export async function preflight(parts: PreflightParts): Promise<readonly PreflightStep[]> {
  const { client, tell, signal } = parts
  const trial = new Trial(parts)
  const steps = await runSteps([...uploadSteps(trial, parts), ...surroundingSteps(trial, parts)], tell, signal)
  await trial.closeHandles()
  const removal = await removeAll(trial.made, client, parts.another)
  tell(removal)
  return [...steps, removal]
}

/** From the temporary file to its final name. */
function uploadSteps(trial: Trial, parts: PreflightParts): readonly StepPlan[] {
  const { client, server, files, directory, settings } = parts
  const content = randomBytes(contentBytes)
  let path = ''
  let handle: Buffer = Buffer.alloc(0)
  const steps: readonly StepPlan[] = [
    {
      name: 'directory',
      follows: 'give the account a directory that it may enter, or name another one with --directory',
      async run() {
        await files.enter(directory)
        return ok(printable(directory))
      },
    },
    {
      name: 'create',
      follows: `uploads are collected in a new file ${whereCollected(settings)}; the account needs the right to make one there`,
      async run() {
        const made = await trial.create()
        path = made.path
        handle = made.handle
        return ok('a temporary file, as uploads have it')
      },
    },
    {
      name: 'write',
      follows: 'make room, or raise the quota of the account, or allow it to write',
      async run() {
        await trial.write(path, handle, content)
        return ok(`${contentBytes} bytes, ${server.can.writeBytes} at a time`)
      },
    },
    {
      name: 'fsync',
      follows: 'every upload would get 451: look at the disk of the server, or set capabilities.fsync to false',
      run: () => sync(parts, handle),
    },
    {
      name: 'size',
      follows: 'every upload would get 451: set capabilities.sizeAfterUpload to skip where sizes cannot be asked for',
      run: () => checkSize(parts, handle, contentBytes),
    },
    {
      name: 'close',
      follows: 'the server did not take the file: its log says why',
      async run() {
        await trial.close(handle)
        return ok('the temporary file')
      },
    },
    {
      name: 'rename',
      follows:
        'an upload gets its final name by a rename: the account needs the right to do that, or set upload.mode to in-place',
      async run() {
        trial.made.add(trial.final)
        if (isInPlace(parts, settings)) return storeInPlace(trial, content, 'uploads are not renamed here')
        try {
          await renameOver(client, server, path, trial.final)
        } catch (error) {
          if (!isUnsupported(error)) throw error
          server.learn({ rename: 'none' })
          return storeInPlace(trial, content, 'the server renames nothing')
        }
        trial.expected = content
        return ok('the temporary file has its final name')
      },
    },
    {
      name: 'replace',
      follows: 'uploads work for new names only; the account needs the right to replace its own files',
      run: () => replace(trial, parts),
    },
  ]
  return steps.map((step) => ({ ...step, chain: true }))
}

function whereCollected({ staging }: PreflightParts['settings']): string {
  return staging === undefined ? 'beside their target' : `in ${printable(staging)}`
}

async function sync({ client, server, settings }: PreflightParts, handle: Buffer): Promise<StepResult> {
  if (settings.fsync === 'off') return missing('upload.fsync is off', notDurable)
  if (!server.can.fsync) return missing('no fsync@openssh.com', notDurable)
  await client.fsync(handle)
  return ok('the bytes are on the disk of the server')
}

const notDurable = '226 says that the server has taken the file, not that it would survive a power cut there'

async function checkSize({ client, server }: PreflightParts, handle: Buffer, wanted: number): Promise<StepResult> {
  const follows = 'uploads are not compared by their size; every WRITE is acknowledged all the same'
  if (server.can.sizeAfterUpload === 'skip') return missing('sizes of open files are not asked for', follows)
  try {
    const { size } = await client.fstat(handle)
    if (size === undefined) return missing('the server does not tell the size', follows)
    if (size === wanted) return ok(`${size} bytes`)
    return failed(`the server holds ${size} bytes of ${wanted}`, 'every upload would get 451: the server loses data')
  } catch (error) {
    if (!isRefusedAltogether(error)) throw error
    server.learn({ sizeAfterUpload: 'skip' })
    return missing('the server does not tell the size of an open file', follows)
  }
}

async function storeInPlace(trial: Trial, content: Buffer, why: string): Promise<StepResult> {
  const handle = await trial.openFinal()
  await trial.write(trial.final, handle, content)
  await trial.close(handle)
  trial.expected = content
  return missing(why, 'an upload goes straight to its final name: when it fails, a part of it is there')
}

/** Another file takes the final name, in the way that the gateway would choose; names are ours, so nothing can be left. */
async function replace(trial: Trial, parts: PreflightParts): Promise<StepResult> {
  const { client, server, settings } = parts
  if (isInPlace(parts, settings)) return ok('an upload writes over an existing file')
  const content = randomBytes(1000)
  const { path, handle } = await trial.create()
  await trial.write(path, handle, content)
  await trial.close(handle)
  const before = trial.expected
  trial.expected = undefined
  const taken = (result: StepResult) => {
    trial.expected = content
    return result
  }
  if (server.can.rename === 'posix') {
    try {
      await client.posixRename(path, trial.final)
      return taken(ok('posix-rename: an upload over an existing file is done in one step'))
    } catch (error) {
      if (!isUnsupported(error)) throw error
      server.learn({ rename: 'swap' })
    }
  }
  try {
    await client.rename(path, trial.final)
    return taken(ok('no posix-rename, but RENAME replaces an existing file'))
  } catch (error) {
    if (server.can.rename === 'plain') {
      trial.expected = before
      return missing(`capabilities.rename is plain, and RENAME does not replace: ${inWords(error)}`, newNamesOnly)
    }
  }
  const aside = trial.name('.old')
  trial.made.add(aside)
  await client.rename(trial.final, aside)
  await client.rename(path, trial.final)
  return taken(missing('no posix-rename', twoSteps))
}

const newNamesOnly = 'an upload to a name that is taken is refused'
const twoSteps =
  'an upload over an existing file is done in two steps; when the connection breaks between them, the old file is left as .<8 hex digits>.old'

/** What does not depend on one upload. */
function surroundingSteps(trial: Trial, parts: PreflightParts): readonly StepPlan[] {
  const { client, files, directory, settings } = parts
  return [
    {
      name: 'read back',
      follows: 'downloads, SIZE by clients and hashes do not work',
      harmless: settings.verify !== 'hash',
      async run() {
        const { expected } = trial
        if (!expected) return { state: 'skipped', said: 'not tried: there is nothing to read' }
        const stored = await contentOf(files, trial.final, expected.length)
        if (stored.equals(expected)) return ok(`${stored.length} bytes, the same as were sent`)
        return failed(`the ${expected.length} bytes that were sent are not what is read`, 'the server loses data')
      },
    },
    {
      name: 'space',
      follows: 'the gateway cannot tell beforehand whether there is room',
      harmless: true,
      async run() {
        if (!client.offers(extension.statvfs)) {
          return missing('no statvfs@openssh.com', 'a full disk shows in the middle of an upload only (452)')
        }
        const bytes = await files.space(directory)
        return bytes > 0 ? ok(`${bytes} bytes are free`) : failed('no space is left', 'make room on the server')
      },
    },
    {
      name: 'list',
      follows: 'clients cannot list the directory; uploads do not need that',
      harmless: true,
      async run() {
        if (await isListed(files, directory, trial.final)) return ok('the file is listed')
        if (!trial.expected) return ok('the directory')
        return missing('the file is not listed', 'clients do not see what they have uploaded')
      },
    },
  ]
}

/** Not much more than so many bytes, however many the server has. */
async function contentOf(files: FileSystem, path: ByteString, bytes: number): Promise<Buffer> {
  const download = await files.read(path, 0)
  const chunks: Buffer[] = []
  try {
    for await (const chunk of download.content) {
      chunks.push(Buffer.from(chunk))
      if (chunks.reduce((sum, { length }) => sum + length, 0) > bytes) break
    }
  } finally {
    await download.close()
  }
  return Buffer.concat(chunks)
}

async function isListed(files: FileSystem, directory: ByteString, path: ByteString): Promise<boolean> {
  for await (const batch of files.list(directory)) {
    if (batch.some(({ name }) => join(directory, name) === path)) return true
  }
  return false
}

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../clients/client.ts'
import { makeFixture, sha256 } from './fixtures.ts'
import type { Site } from './place.ts'

/** What became of one run of a partner's job: it puts a file, sees it in a listing, gets it back and removes it. */
export interface JobRun {
  readonly partner: string
  readonly client: string
  /** The stage in which it began, and the one in which it ended. */
  readonly began: string
  readonly ended: string
  /** What the client said; undefined: all went well, and no byte had changed. */
  readonly error: string | undefined
}

export interface Job {
  readonly partner: string
  readonly client: Client
  readonly site: Omit<Site, 'folder'>
  /** The client's own files. */
  readonly folder: string
}

/** A partner's job over and over again, as its scheduler does it, until it is stopped. */
export function repeat(job: Job, stage: () => string, runs: JobRun[]): { stop(): Promise<void> } {
  let over = false
  const { partner, client } = job
  const going = (async () => {
    for (let number = 1; !over; number++) {
      const began = stage()
      const error = await once(job, number).then(
        () => undefined,
        (cause: Error) => cause.message,
      )
      runs.push({ partner, client: client.name, began, ended: stage(), error })
    }
  })()
  return {
    async stop() {
      over = true
      await going
    },
  }
}

async function once({ client, site, folder }: Job, number: number): Promise<void> {
  const own = join(folder, String(number))
  mkdirSync(own)
  try {
    const file = await makeFixture(own, 1_000 * number + 1)
    const [remote, local] = [`${client.name.replaceAll(' ', '-')}-${number}`, join(own, 'back')]
    const [listed = []] = await client.perform({ ...site, folder: own }, [
      { do: 'put', local: file.path, remote },
      { do: 'list', directory: '' },
      { do: 'get', remote, local },
      { do: 'remove', remote },
    ])
    if (!listed.includes(remote)) throw new Error(`${remote} is not in the listing: ${listed}`)
    if ((await sha256(local)) !== file.sha256) throw new Error(`${remote} came back as another file`)
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}

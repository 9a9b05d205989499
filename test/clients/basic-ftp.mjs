// Does the steps of client.ts with basic-ftp. The request is JSON on standard input, the answer JSON on standard output.

import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { Client } from 'basic-ftp'

const { site, steps } = JSON.parse(await text(process.stdin))
const version = /** @type {const} */ (`TLSv${site.tls}`)
const client = new Client(30_000)
// Names are byte strings: each character is one byte.
client.ftp.encoding = 'latin1'
client.ftp.verbose = true
// The dialogue is for the failure message; standard output carries the answer.
client.ftp.log = (message) => process.stderr.write(`${message}\n`)
const lists = []
try {
  await client.access({
    host: site.host,
    port: site.port,
    user: site.user,
    password: site.password,
    secure: site.mode === 'explicit' || (site.mode === 'implicit' && 'implicit'),
    secureOptions: { ca: readFileSync(site.certificate), minVersion: version, maxVersion: version },
  })
  for (const step of steps) {
    const names = await perform(step)
    if (names !== undefined) lists.push(names)
  }
} finally {
  client.close()
}
process.stdout.write(JSON.stringify(lists))

async function perform(step) {
  switch (step.do) {
    case 'put':
      await client.uploadFrom(step.local, step.remote)
      return
    case 'get':
      await client.downloadTo(step.local, step.remote)
      return
    case 'resume':
      await client.downloadTo(step.local, step.remote, (await stat(step.local)).size)
      return
    case 'list':
      return (await client.list(step.directory)).map((entry) => entry.name)
    case 'rename':
      await client.rename(step.from, step.to)
      return
    case 'remove':
      await client.remove(step.remote)
      return
    case 'makeDirectory':
      await client.send(`MKD ${step.directory}`)
      return
    case 'removeDirectory':
      await client.removeEmptyDir(step.directory)
  }
}

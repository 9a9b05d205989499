// Loaded into a gateway by `node --import`: at SIGUSR2 it counts what is alive, and writes that to the file CENSUS.
import { renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createSecureContext } from 'node:tls'
import { pathToFileURL } from 'node:url'
import v8 from 'node:v8'

const dist = (path) => import(new URL(path, pathToFileURL(`${process.argv[1]}`)).href)
const timer = setTimeout(() => {}, 0)

process.on('SIGUSR2', async () => {
  const kinds = {
    timers: timer.constructor,
    contexts: createSecureContext().constructor,
    servers: createServer().constructor,
    backends: (await dist('./backend/sftp/sftp-backend.js')).SftpBackend,
    doors: (await dist('./control/door.js')).Door,
    sessions: (await dist('./control/session.js')).FtpSession,
    watches: (await dist('./composition/certificate-watch.js')).CertificateWatch,
  }
  const counts = {}
  // Counting collects garbage first.
  for (const [name, kind] of Object.entries(kinds)) counts[name] = v8.queryObjects(kind, { format: 'count' })
  const { heapUsed, external } = process.memoryUsage()
  const file = process.env.CENSUS
  writeFileSync(
    `${file}.new`,
    JSON.stringify({ ...counts, heapUsed, external, handles: process.getActiveResourcesInfo() }),
  )
  renameSync(`${file}.new`, file)
})

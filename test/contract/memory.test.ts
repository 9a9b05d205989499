import { Secret } from '../../src/ftp/secret.ts'
import { MemoryBackend } from '../support/memory-backend.ts'
import { fileSystemContract } from './file-system.ts'

const password = (value: string) => ({ kind: 'password', username: 'test', password: new Secret(value) }) as const

fileSystemContract('memory', async () => {
  const backend = new MemoryBackend()
  const credentials = password('secret')
  const files = await backend.open(credentials)
  await files.makeDirectory('/contract')
  await files.close()
  return {
    backend,
    credentials,
    badCredentials: password('wrong'),
    directory: '/contract',
    close: () => backend.close(),
  }
})

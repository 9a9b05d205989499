import { Secret } from '../../src/ftp/secret.ts'
import { MemoryBackend } from '../support/memory-backend.ts'
import type { Tree } from '../support/memory-tree.ts'
import type { Disk } from './candidate.ts'
import { sha256 } from './contents.ts'
import { contractWithoutServer } from './file-system.ts'
import { runSuite } from './suite.ts'

const directory = '/contract'
const password = (value: string) => ({ kind: 'password', username: 'test', password: new Secret(value) }) as const

runSuite({
  name: 'memory',
  features: contractWithoutServer,
  async start() {
    const backend = new MemoryBackend()
    backend.tree.addDirectory(directory)
    return {
      backend,
      credentials: password('secret'),
      badCredentials: password('wrong'),
      directory,
      disk: diskOf(backend.tree),
      log: () => '',
      cut: () => backend.close(),
      close: () => backend.close(),
    }
  },
})

function diskOf(tree: Tree): Disk {
  const attrs = (mode: number | undefined) => (mode === undefined ? {} : { mode })
  return {
    file: (path, content, rights = {}) => tree.addFile(`${directory}/${path}`, content, attrs(rights.mode)),
    directory: (path, rights = {}) => tree.addDirectory(`${directory}/${path}`, attrs(rights.mode)),
    link: (path, target) => tree.addLink(`${directory}/${path}`, target),
    content(path) {
      const node = tree.find(`${directory}/${path}`)
      if (node.type !== 'file') throw new Error(`${path} is not a file`)
      return node.content
    },
    snapshot: () => entriesBelow(tree, directory),
  }
}

function entriesBelow(tree: Tree, path: string): string[] {
  const node = tree.peek(path)
  if (node?.type !== 'directory')
    return [`${path} ${JSON.stringify(node?.attrs)} ${node?.type === 'file' ? sha256(node.content) : ''}`]
  return [path, ...[...node.children.keys()].sort().flatMap((name) => entriesBelow(tree, `${path}/${name}`))]
}

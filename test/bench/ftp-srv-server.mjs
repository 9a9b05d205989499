// node ftp-srv-server.mjs settings.json: the npm package ftp-srv over ssh2's SFTP class, with streams as both packages offer
// them: the gateway that somebody writes in an afternoon, and so the baseline for this one. Settings: port, certificate and
// key (paths), backend { host, port }. Host keys are not checked: it meets the bench's own sshd only.
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { FileSystem, FtpSrv } from 'ftp-srv'
import ssh2 from 'ssh2'

const [file = ''] = process.argv.slice(2)
const { port, certificate, key, backend } = JSON.parse(readFileSync(file, 'utf8'))

class SftpFileSystem extends FileSystem {
  constructor(connection, sftp, home) {
    super(connection, { root: home, cwd: '/' })
    this.sftp = sftp
  }

  async get(name) {
    const { fsPath } = this._resolvePath(name)
    return Object.assign(await promisify(this.sftp.stat).call(this.sftp, fsPath), { name })
  }

  read(name, { start } = {}) {
    const { fsPath, clientPath } = this._resolvePath(name)
    return { stream: this.sftp.createReadStream(fsPath, { start }), clientPath }
  }

  write(name, { append = false, start } = {}) {
    const { fsPath, clientPath } = this._resolvePath(name)
    // With autoClose ssh2 destroys the stream before Node says `finish`, which ftp-srv waits for; ftp-srv closes it itself.
    const stream = this.sftp.createWriteStream(fsPath, { flags: append ? 'a' : 'w', start, autoClose: false })
    // ftp-srv announces the end of the data as a `close`, as its own file system expects it.
    stream.once('close', () => stream.end())
    return { stream, clientPath }
  }
}

async function logIn(connection, username, password) {
  const client = new ssh2.Client()
  await new Promise((resolve, reject) => {
    client
      .once('ready', resolve)
      .once('error', reject)
      .connect({ ...backend, username, password })
  })
  client.on('error', () => undefined).setNoDelay(true)
  connection.commandSocket.once('close', () => client.end())
  const sftp = await promisify(client.sftp).call(client)
  return new SftpFileSystem(connection, sftp, await promisify(sftp.realpath).call(sftp, '.'))
}

/** ftp-srv wants a logger in bunyan's form; errors show in the bench's message. */
const log = { trace() {}, debug() {}, info() {}, warn() {}, error: (...told) => console.error(...told) }
log.child = () => log

// Implicit TLS: after AUTH TLS it loses the first bytes of a client that is quick with its handshake.
const server = new FtpSrv({
  url: `ftps://127.0.0.1:${port}`,
  pasv_url: '127.0.0.1',
  tls: { cert: readFileSync(certificate), key: readFileSync(key) },
  log,
})
server.on('login', ({ connection, username, password }, resolve, reject) => {
  logIn(connection, username, password).then((fs) => resolve({ fs }), reject)
})
await server.listen()
console.log('listening')

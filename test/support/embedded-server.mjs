// The embedded server of `ftps-gateway demo`, as the user whom the settings name. Started by embedded-sftp.ts; the
// tests' set-up has built it.
import { startDemoServer } from '../../dist/demo/demo-server.js'

const { directory, port, user } = JSON.parse(process.env.SFTP_SERVER ?? '')
process.setgroups([])
process.setgid(user.gid)
process.setuid(user.uid)
process.umask(0o022)
const server = await startDemoServer({ directory, port, username: user.name, password: user.password })
console.log(JSON.stringify({ knownHosts: server.knownHosts }))

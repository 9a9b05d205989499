// npm run faults [-- --minutes N --seed S --fault-every MS --no-extends --keep DIR]: compiles the run, which shares the tests' peers, and
// starts it. Node 20 cannot run TypeScript itself.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('tsconfig.json', import.meta.url))
execFileSync('npx', ['--no-install', 'tsc', '-p', project], { stdio: 'inherit' })
const compiled = new URL('../../../node_modules/.cache/faults/test/faults/history/main.js', import.meta.url)
const { main } = await import(compiled.href)
await main(process.argv.slice(2))

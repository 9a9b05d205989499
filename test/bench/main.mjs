// npm run bench [-- --rows download,login --runs N --size MiB --files N --entries N]: compiles the benchmark, which shares
// the tests' peers, and runs it. Node 20 cannot run TypeScript itself. --rows takes beginnings of row names.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('tsconfig.json', import.meta.url))
const compiled = new URL('../../node_modules/.cache/bench/test/bench/bench.js', import.meta.url)
execFileSync('npx', ['--no-install', 'tsc', '-p', project], { stdio: 'inherit' })
const { main } = await import(compiled.href)
await main(process.argv.slice(2))

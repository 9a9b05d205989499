#!/usr/bin/env node
import { run } from './cli/run.ts'

const { argv, stdin, stdout, stderr, env } = process
// Whoever read the output may be gone, as after `| head`; that is no reason to fail.
for (const stream of [stdout, stderr]) stream.on('error', () => {})
process.exitCode = await run(argv.slice(2), { stdin, stdout, stderr, env, signals: process })

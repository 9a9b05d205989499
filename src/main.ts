#!/usr/bin/env node
import { run } from './cli/run.ts'

const { argv, stdin, stdout, stderr, env } = process
process.exitCode = await run(argv.slice(2), { stdin, stdout, stderr, env, signals: process })

import { runOk } from '../../support/run.ts'
import { programFile } from './program.ts'

const jar = '/usr/share/java/commons-net.jar'

/** Compiles the program into a folder. */
export async function compileCommonsNet(folder: string): Promise<void> {
  await runOk('javac', ['-cp', jar, '-d', folder, programFile('CommonsNet.java')], { timeoutMs: 120_000 })
}

/** What starts it from there. `reuse`: with the reflection that many Java programs have to continue TLS sessions. */
export function commonsNetCommand(folder: string, reuse: boolean): readonly string[] {
  const opened = ['sun.security.ssl', 'sun.security.util'].flatMap((name) => [
    '--add-opens',
    `java.base/${name}=ALL-UNNAMED`,
  ])
  return [
    'java',
    '-XX:TieredStopAtLevel=1',
    ...(reuse ? [...opened, '-Djdk.tls.useExtendedMasterSecret=false'] : []),
    ...['-cp', `${jar}:${folder}`, 'CommonsNet'],
    ...(reuse ? ['reuse'] : []),
  ]
}

import { describe, expect, test } from 'vitest'
import { emptyFolder, makeFixture, namesIn } from '../support/fixtures.ts'
import { usePlace } from '../support/place.ts'
import { basicFtp } from './basic-ftp.ts'
import { testClient } from './suite.ts'

/**
 * When basic-ftp 6.2.6 resumes a TLS session, it asks for the cipher to learn whether the data connection is secure; a
 * resumed one has a cipher before its handshake is done. An empty file then ends the connection in the middle of the
 * handshake, or Node loses the close_notify: nobody can tell that from an attack, so the gateway says no. Whether the
 * handshake or the file's end comes first is chance.
 */
const unableEmptyFile = 'basic-ftp may end the data connection before its TLS handshake is done'
testClient(basicFtp, { unableEmptyFile })

describe.each(['1.2', '1.3'] as const)('basic-ftp, an empty file, TLS %s', (tls) => {
  const place = usePlace()
  test.each(['explicit', 'implicit'] as const)('T5: %s: there is an answer at once, and it is true', async (mode) => {
    const { path } = await makeFixture(place.local, 0)
    for (let i = 0; i < 8; i++) {
      const attempt = basicFtp.perform(place.site(mode, tls), [{ do: 'put', local: path, remote: `file-${i}` }])
      const error = await attempt.then(
        () => undefined,
        (reason: Error) => reason.message,
      )
      if (error === undefined) expect(namesIn(place.home)).toEqual([`file-${i}`])
      else expect([error, namesIn(place.home)]).toEqual([expect.stringMatching(/FTPError: (426|522) /), []])
      emptyFolder(place.home)
    }
    for (const event of place.gateway.log) {
      if (event.kind === 'command' && event.verb === 'STOR') expect(event.seconds).toBeLessThan(5)
    }
  })
})

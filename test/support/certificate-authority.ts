import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runOk } from './run.ts'

/** PEM files of a certificate that an authority has issued. */
export interface Issued {
  readonly cert: string
  readonly key: string
}

/** A certificate authority of the test's own, made with openssl in a folder. */
export interface CertificateAuthority {
  /** The file of the authority's certificate. */
  readonly ca: string
  /** A certificate with a common name; `names` are DNS names or IP addresses of a server, `days` may be negative. */
  issue(commonName: string, options?: { readonly names?: readonly string[]; readonly days?: number }): Promise<Issued>
  /** Makes a list of revoked certificates. */
  revoke(...certificates: readonly Issued[]): Promise<string>
}

const settings = `[ca]
default_ca = it
[it]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
default_crl_days = 30
policy = anything
unique_subject = no
copy_extensions = copy
[anything]
commonName = supplied
[req]
distinguished_name = name
[name]
`

export async function makeAuthority(folder: string, name = 'Test CA'): Promise<CertificateAuthority> {
  mkdirSync(folder, { recursive: true })
  const openssl = (...args: string[]) => runOk('openssl', args, { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-batch']
  writeFileSync(join(folder, 'ca.cnf'), settings)
  writeFileSync(join(folder, 'index.txt'), '')
  writeFileSync(join(folder, 'serial'), '1000\n')
  const extensions = [
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
  ]
  const own = ['-keyout', 'ca.key', '-out', 'ca.pem', '-days', '300', '-subj', `/CN=${name}`, ...extensions]
  await openssl('req', '-config', 'ca.cnf', '-x509', ...newKey, ...own)
  const byCa = ['-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-batch']
  let issued = 0
  return {
    ca: join(folder, 'ca.pem'),
    async issue(commonName, { names = [], days = 90 } = {}) {
      issued++
      const files = { cert: join(folder, `${issued}.pem`), key: join(folder, `${issued}.key`) }
      const alternatives = names.map((each) => (/^[\d.]+$|:/.test(each) ? `IP:${each}` : `DNS:${each}`)).join(',')
      const named = alternatives === '' ? [] : ['-addext', `subjectAltName=${alternatives}`]
      const list = ['-addext', 'crlDistributionPoints=URI:http://crl.invalid/crl.pem']
      const request = ['-keyout', files.key, '-out', `${issued}.csr`, '-subj', `/CN=${commonName}`, ...named, ...list]
      await openssl('req', '-config', 'ca.cnf', ...newKey, ...request)
      const validity = ['-startdate', inDays(Math.min(days, 0) - 1), '-enddate', inDays(days)]
      await openssl('ca', ...byCa, '-in', `${issued}.csr`, '-out', files.cert, '-notext', ...validity)
      return files
    },
    async revoke(...certificates) {
      for (const { cert } of certificates) await openssl('ca', ...byCa, '-revoke', cert)
      await openssl('ca', ...byCa, '-gencrl', '-out', 'crl.pem')
      return join(folder, 'crl.pem')
    },
  }
}

/** Reads the PEM texts that Node's TLS takes. */
export function pemOf({ cert, key }: Issued): { readonly cert: string; readonly key: string } {
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

/** As openssl reads times: YYMMDDHHMMSSZ. */
function inDays(days: number): string {
  const time = new Date(Date.now() + days * 86_400_000).toISOString()
  return `${time.slice(2, 19).replace(/\D/g, '')}Z`
}

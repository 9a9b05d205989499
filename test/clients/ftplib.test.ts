import { ftplib } from './ftplib.ts'
import { testClient } from './suite.ts'

testClient(ftplib('Python ftplib', false))
testClient(ftplib('Python ftplib with TLS session reuse', true))

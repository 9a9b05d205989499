import { curl } from './curl.ts'
import { testClient } from './suite.ts'

testClient(curl, { unable: { 'tab\tinside': 'curl refuses control characters in addresses' } })

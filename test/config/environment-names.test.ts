import { expect, test } from 'vitest'
import { strangeNames } from '../../src/config/environment-names.ts'

test('A variable that looks like a setting and is none is told, with what may be meant, and without its value', () => {
  const env = { FTPS_GATEWAY_LOGING_LEVEL: 'canary', FTPS_GATEWAY_BACKENDS: 'canary', LOGGING_LEVEL: 'debug' }
  expect(strangeNames(env)).toEqual([
    'the environment variable FTPS_GATEWAY_LOGING_LEVEL is no setting (did you mean "FTPS_GATEWAY_LOGGING_LEVEL"?)',
    'the environment variable FTPS_GATEWAY_BACKENDS is no setting',
  ])
})

test('Settings, what the image says of itself, and services that Kubernetes describes are not strange', () => {
  const env = {
    FTPS_GATEWAY_LOGGING_LEVEL: 'debug',
    FTPS_GATEWAY_LIMITS_LOGIN_ATTEMPTS: '3',
    FTPS_GATEWAY_REVISION: 'abc',
    FTPS_GATEWAY_METRICS_PORT: 'tcp://10.0.0.1:9464',
    FTPS_GATEWAY_METRICS_PORT_9464_TCP_ADDR: '10.0.0.1',
    FTPS_GATEWAY_METRICS_SERVICE_HOST: '10.0.0.1',
    FTPS_GATEWAY_METRICS_SERVICE_PORT_HTTP: '9464',
  }
  expect(strangeNames(env)).toEqual([])
})

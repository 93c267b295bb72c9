import { inject } from 'vitest'
import { expiryPromises } from '../../contract/expiry-promises.ts'
import { httpTarget } from '../../contract/http-target.ts'

const target = httpTarget(() => inject('consulAddress'))

expiryPromises('the real Consul', () => target)

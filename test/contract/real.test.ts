import { inject } from 'vitest'
import { consulPromises } from './consul-promises.ts'
import { httpTarget } from './http-target.ts'
import { probePromises } from './probe-promises.ts'

const target = httpTarget(() => inject('consulAddress'))

consulPromises('the real Consul', () => target)
probePromises('the real Consul', () => target)

import { ConsulClient } from './consul-client.ts'

/** At the agent that tests share. */
export const client = new ConsulClient()

/** The key of a lock, by its name. */
export const keyOf = (name: string) => `consul-locker-${name}`

/** Sets a key there. */
export const put = (key: string, value: string) => client.request('PUT', `/kv/${key}`, value)

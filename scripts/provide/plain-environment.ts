/**
 * A developer's CONSUL_HTTP_TOKEN, CONSUL_LOCKER_WAIT, NODE_OPTIONS or DEBUG would make anything we start another one.
 */
const OWN = /^(CONSUL_|NODE_|npm_|DEBUG$)/

/** Our environment without what is meant for us, and not for what we start. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN.test(name)))
}

/**
 * Variables by which Node and its libraries let themselves be set up, and which they read before our first line or
 * without asking us. They are meant for the user's own Node and OpenSSL, which the command may well be: a bad value of
 * theirs ends Node, has it hang, or write into the user's folder. No option of Node's makes it deaf to them, so the
 * build takes their names out of the Node that it embeds. What Node reads in JavaScript is dealt with where the
 * snapshot is made. Not among them are those that have a meaning for us: the certificates (SSL_CERT_FILE, SSL_CERT_DIR,
 * NODE_EXTRA_CA_CERTS, NODE_USE_SYSTEM_CA), and what the machine's resolver and time zone are set by.
 */
export const UNREAD = [
  'NODE_COMPILE_CACHE',
  'NODE_COMPILE_CACHE_PORTABLE',
  'NODE_COMPILE_CACHE_READONLY',
  'NODE_DEBUG_NATIVE',
  'NODE_ICU_DATA',
  'NODE_PENDING_DEPRECATION',
  'NODE_PRESERVE_SYMLINKS',
  'NODE_PRESERVE_SYMLINKS_MAIN',
  'NODE_REDIRECT_WARNINGS',
  'NODE_REPL_EXTERNAL_MODULE',
  'NODE_USE_ENV_PROXY',
  'NODE_V8_COVERAGE',
  'OPENSSL_CONF',
  'OPENSSL_CONF_INCLUDE',
  'OPENSSL_ENGINES',
  'OPENSSL_MODULES',
  'ICU_ENABLE_TENTATIVE_ERA',
  'ICU_TIMEZONE_FILES_DIR',
  'SIMDJSON_FORCE_IMPLEMENTATION',
  'SIMDUTF_FORCE_IMPLEMENTATION',
  'UV_THREADPOOL_SIZE',
  'UV_USE_IO_URING',
] as const

/**
 * Empties these names in a program, in place: the C library finds no variable by an empty name. A name that is there
 * more than once stands first among the program's own strings, and then in the JavaScript and the help that it carries,
 * which stay. Throws when one isn't there.
 */
export function takeOut(program: Buffer, names: readonly string[]): void {
  for (const name of names) {
    const at = program.indexOf(`\0${name}\0`, 'latin1')
    if (at < 0) throw new Error(`the Node that is to be embedded doesn't read ${name}: see build/node-variables.ts`)
    program[at + 1] = 0
  }
}

const PLAIN = /^[\w/.,:@+-][\w/.,:=@+-]*$/
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  $: '$$',
  '%': '%%',
}

/**
 * A word of a command line in a unit, as systemd reads it back (systemd.service(5), "Command lines"): quotes with C's
 * escapes in them, a doubled `$` for one that begins no variable, a doubled `%` for one that begins no specifier.
 */
export function unitWord(word: string): string {
  if (PLAIN.test(word)) return word
  return `"${word.replaceAll(/[\\"$%]|\p{Cc}/gu, (found) => ESCAPES[found] ?? hex(found))}"`
}

/** The first word of a command line, which is the program's path: in it systemd puts no variables. */
export function unitProgram(path: string): string {
  return unitWord(path).replaceAll('$$', '$')
}

/** Text of a unit that isn't a command line. */
export function unitText(text: string): string {
  return text.replaceAll('%', '%%')
}

/** C1 controls have two bytes in UTF-8; each byte is an escape of its own. */
function hex(control: string): string {
  return [...Buffer.from(control)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}

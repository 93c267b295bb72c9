/**
 * Whether standard output is a terminal with colours, and its user wants them (NO_COLOR, TERM; https://no-color.org).
 */
export function hasColours(environment: NodeJS.ProcessEnv): boolean {
  return process.stdout.isTTY && process.stdout.hasColors(environment)
}

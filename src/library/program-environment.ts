/** The environment of the program that uses us, as it is now. */
export function programEnvironment(): NodeJS.ProcessEnv {
  return process.env
}

import { userInfo } from 'node:os'

/** The user's own folder; without a HOME, an empty one too, that of the password file. Who isn't in it has none. */
export function homeFolder(environment: NodeJS.ProcessEnv): string | undefined {
  if (environment.HOME) return environment.HOME
  try {
    return userInfo().homedir || undefined
  } catch {
    return undefined
  }
}

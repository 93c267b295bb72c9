import { userInfo } from 'node:os'

/** Who runs us. A user that isn't in the password file has only a number. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}

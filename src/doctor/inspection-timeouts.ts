/** So long may an answer take that no leader is needed for, in milliseconds. */
export const QUICK_MS = 5000

/** And one that needs a leader: longer than the 7 s for which an agent holds a request while there is none. */
export const ASKING_MS = 7500

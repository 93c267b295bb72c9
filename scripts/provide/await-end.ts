/** Waits for a process that was told to end, and has it killed when it hasn't after `limitMs` milliseconds. */
export async function awaitEnd(ended: Promise<unknown>, kill: () => void, limitMs: number): Promise<void> {
  const late = setTimeout(kill, limitMs)
  try {
    await ended
  } finally {
    clearTimeout(late)
  }
}

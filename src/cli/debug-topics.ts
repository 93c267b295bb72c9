/** What DEBUG asks of us. */
export interface DebugTopics {
  /** Every request and every answer. */
  readonly requests: boolean
  /** When each phase of a run ended. */
  readonly timing: boolean
}

const REQUESTS = ['true', '1', 'yes', 'on', '*', 'requests']

/** Reads DEBUG, a list of words. Other programs read it, too, and their words are none of ours. */
export function debugTopics(text: string | undefined): DebugTopics {
  const words = (text ?? '').toLowerCase().split(/[\s,]+/)
  return { requests: words.some((word) => REQUESTS.includes(word)), timing: words.includes('timing') }
}

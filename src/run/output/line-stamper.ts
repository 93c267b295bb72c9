const LINE_END = 0x0a

/**
 * Puts the time before each line of a stream: when the first byte of the line comes, so that a prompt without a line
 * end is not held back. All other bytes stay as they are.
 */
export class LineStamper {
  #isAtStart = true

  /** The bytes with this stamp before each line that begins in them. */
  stamped(bytes: Buffer, stamp: string): Buffer {
    const parts: Buffer[] = []
    const mark = Buffer.from(`${stamp} `)
    for (let from = 0; from < bytes.length; ) {
      if (this.#isAtStart) parts.push(mark)
      const end = bytes.indexOf(LINE_END, from)
      this.#isAtStart = end >= 0
      const to = end < 0 ? bytes.length : end + 1
      parts.push(bytes.subarray(from, to))
      from = to
    }
    return Buffer.concat(parts)
  }
}

/** A time as logs have it, by this machine's zone: `2026-11-29T08:32:25.123+01:00`. */
export function timeStamp(wallMs: number): string {
  const offsetMinutes = -new Date(wallMs).getTimezoneOffset()
  const local = new Date(wallMs + offsetMinutes * 60_000).toISOString().slice(0, -1)
  const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60]
  return `${local}${offsetMinutes < 0 ? '-' : '+'}${twoDigits(hours)}:${twoDigits(minutes)}`
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0')
}

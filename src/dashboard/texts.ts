import { printable } from '../base/printable.ts'

const LONGEST_TEXT = 200

/** What others wrote, on one line and no longer than anybody reads. */
export function line(text: string): string {
  const whole = printable(text)
  return whole.length > LONGEST_TEXT ? `${whole.slice(0, LONGEST_TEXT - 1)}…` : whole
}

/** An instant that may be missing, or be none, under this name. */
export function instantAs<Name extends string>(
  name: Name,
  text: string | undefined,
): { readonly [N in Name]?: number } {
  const ms = text === undefined ? Number.NaN : Date.parse(text)
  return (Number.isNaN(ms) ? {} : { [name]: ms }) as { readonly [N in Name]?: number }
}

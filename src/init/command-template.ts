/** Whether a command's template has no other placeholders than these; a `${VARIABLE}` is its shell's. */
export function hasOnlyPlaceholders(template: string, names: readonly string[]): boolean {
  return [...template.matchAll(/(?<!\$)\{([A-Za-z_]+)\}/g)].every(([, name = '']) => names.includes(name))
}

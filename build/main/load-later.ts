/** Gives the application what isn't part of its first script, out of the executable. */
export function loadLater(name: string): (...args: unknown[]) => void {
  const text = process.getBuiltinModule('node:sea').getAsset(name, 'utf8')
  const { compileFunction } = process.getBuiltinModule('node:vm')
  return compileFunction(text, ['module', 'exports', 'require'], { filename: `consul-locker/${name}` }) as () => void
}

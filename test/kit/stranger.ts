import { spawn } from 'node:child_process'
import { Running } from './locker.ts'

/** Another user of this machine; the tests themselves run as root. */
export const STRANGER = { uid: 65534, gid: 65534 }

/** Another user's process, which answers at abstract sockets of these names; it doesn't outlive its test. */
export async function squat(names: readonly string[], answer: string): Promise<void> {
  const script = `
    const [answer, ...names] = process.argv.slice(1)
    for (const name of names) {
      const server = require('node:net').createServer((connection) => connection.on('error', () => {}).end(answer))
      server.listen('\\0' + name, () => console.log('squats ' + name + '.'))
    }`
  const squatter = new Running(
    spawn(process.execPath, ['--eval', script, answer, ...names], { ...STRANGER, stdio: 'pipe' }),
  )
  for (const name of names) await squatter.prints(new RegExp(`squats ${name}[.]`))
}

import { readFileSync } from 'node:fs'

/** A file of the kernel's; `undefined` where it isn't, or isn't to be read. */
export function kernelText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** A soft limit of a process, as /proc/self/limits has it under this name; `undefined` when it isn't there. */
export function softLimit(limits: string, name: string): number | undefined {
  const value = limits
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length)
    .trim()
    .split(/\s+/)[0]
  if (value === 'unlimited') return Number.POSITIVE_INFINITY
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined
}

/** The folders of a process's control group, from its own up to the root's, by its /proc/self/cgroup. */
export function groupFolders(groups: string, controller: string): string[] {
  for (const line of groups.split('\n')) {
    const [, id, controllers = '', path = ''] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? []
    const isUnified = id === '0' && controllers === ''
    if (!isUnified && !controllers.split(',').includes(controller)) continue
    const root = isUnified ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controller}`
    const parts = path.split('/').filter((part) => part !== '')
    return [...Array(parts.length + 1).keys()].map((n) => [root, ...parts.slice(0, parts.length - n)].join('/'))
  }
  return []
}

/** A number in a file of a control group; none for `max`, and for what is as good as that. */
export function groupNumber(text: string | undefined): number | undefined {
  const number = text === undefined || !/^\d+$/.test(text.trim()) ? undefined : Number(text)
  return number === undefined || number > Number.MAX_SAFE_INTEGER ? undefined : number
}

declare const CONSUL_LOCKER_VERSION: string | undefined
declare const CONSUL_LOCKER_COMMIT: string | undefined

/** Version and commit are put in by the build. */
export function versionLine(): string {
  const version = typeof CONSUL_LOCKER_VERSION === 'string' ? CONSUL_LOCKER_VERSION : 'unbuilt'
  const commit = typeof CONSUL_LOCKER_COMMIT === 'string' ? CONSUL_LOCKER_COMMIT : 'unknown'
  return `consul-locker ${version} (commit ${commit}, Node ${process.version}, ${process.platform}-${process.arch})`
}

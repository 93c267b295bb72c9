import { hostname } from 'node:os'
import { Failure } from '../../../base/failure.ts'
import type { ExaminedFile, FileKind } from '../../../doctor/file/examined-file.ts'
import { kindOfFile } from '../../../doctor/file/file-kind.ts'
import { initRules, leaderRules, rolloutRules } from '../../connection/acl-rules.ts'
import type { ConsulOfFile } from '../../connection/consul-of-file.ts'

/** A file as `leader`, `init` or `rollout` reads it, and what it says of Consul. */
export type FileInQuestion = ExaminedFile & { readonly consul: ConsulOfFile }

type Read = (path: string, environment: NodeJS.ProcessEnv) => Promise<Pick<FileInQuestion, 'outcome' | 'consul'>>

const READ: Readonly<Record<FileKind, Read>> = {
  leader: async (path, environment) => {
    const { readLeaderFile } = await import('../../../leader/leader-file.ts')
    const { leaderKeys } = await import('../../../leader/cluster/leader-keys.ts')
    const { leaderNeeds } = await import('../../../doctor/file/leader-needs.ts')
    const file = readLeaderFile(path)
    const keys = leaderKeys(file.name, file.lock_key)
    const rules = leaderRules(file.name, { ...keys, note: file.application === undefined ? undefined : keys.note })
    return { outcome: { ...leaderNeeds(path, file, environment), rules }, consul: file.consul }
  },
  init: async (path, environment) => {
    const { readInitFile } = await import('../../../init/init-file.ts')
    const { initNeeds } = await import('../../../doctor/file/init-needs.ts')
    const file = readInitFile(path)
    return { outcome: { ...initNeeds(file, environment), rules: initRules(file) }, consul: file.consul }
  },
  rollout: async (path, environment) => {
    const { readRolloutFile } = await import('../../../rollout/rollout-file.ts')
    const { RolloutKeys } = await import('../../../rollout/rollout-keys.ts')
    const { rolloutNeeds } = await import('../../../doctor/file/rollout-needs.ts')
    const file = readRolloutFile(path)
    const rules = rolloutRules(new RolloutKeys(file.prefix))
    return { outcome: { ...rolloutNeeds(path, file, hostname(), environment), rules }, consul: file.consul }
  },
}

/** Reads a file by the loader of its mode; what is wrong with it is part of the outcome. */
export async function examinedFile(path: string, environment: NodeJS.ProcessEnv): Promise<FileInQuestion> {
  let kind: FileKind = 'leader'
  try {
    kind = kindOfFile(path)
    return { path, kind, ...(await READ[kind](path, environment)) }
  } catch (thrown) {
    if (thrown instanceof Failure) return { path, kind, outcome: thrown, consul: {} }
    throw thrown
  }
}

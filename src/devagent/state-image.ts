import { CatalogIndexes } from './catalog/catalog-indexes.ts'
import type { CatalogCheck, CatalogNode, CatalogService } from './catalog/catalog-records.ts'
import { CatalogTable, type NodeEntry } from './catalog/catalog-table.ts'
import { KvEntry } from './kv/kv-entry.ts'
import { KvTable } from './kv/kv-table.ts'
import { SessionTable } from './session/session-table.ts'
import type { State } from './state.ts'
import type { StateImage } from './state-schema.ts'

/** What `STATE_IMAGE` describes. */
export function imageOf({ raftIndex, kv, sessions, catalog }: State): object {
  const entries = kv.below('').map((entry) => {
    const { key, value, flags, session, createIndex, modifyIndex, lockIndex } = entry
    return { key, value, flags: String(flags), session, createIndex, modifyIndex, lockIndex }
  })
  return {
    raftIndex,
    kv: { index: kv.index, entries, tombstones: kv.tombstones },
    sessions: { index: sessions.index, all: sessions.list() },
    catalog: {
      indexes: catalog.indexes.image,
      nodes: catalog.list().map(({ node, services, checks }) => ({
        node,
        services: [...services.values()],
        checks: [...checks.values()],
      })),
    },
  }
}

/** Has a state begin where an image was made. */
export function loadImage(state: State, { raftIndex, kv, sessions, catalog }: StateImage): void {
  const entries = kv.entries.map((entry) => {
    const draft = { key: entry.key, value: entry.value, flags: BigInt(entry.flags) }
    return new KvEntry(draft, entry.session, entry.createIndex, entry.modifyIndex, entry.lockIndex)
  })
  const nodes = catalog.nodes.map(
    ({ node, services, checks }): NodeEntry => ({
      node: node satisfies CatalogNode,
      services: new Map(services.map((service): [string, CatalogService] => [service.ID, service])),
      checks: new Map(checks.map((check): [string, CatalogCheck] => [check.CheckID, check])),
    }),
  )
  state.load(
    raftIndex,
    KvTable.of(kv.index, entries, kv.tombstones),
    SessionTable.of(sessions.index, sessions.all),
    new CatalogTable(CatalogIndexes.of(catalog.indexes), nodes),
  )
}

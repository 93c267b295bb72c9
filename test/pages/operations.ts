import type { Story } from './story.ts'

const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()

/** Runs that others had, as they stand in Consul: by host, how many hours ago, how long, and how each ended. */
const runs = (...rows: readonly (readonly [string, number, number, object])[]) =>
  JSON.stringify({
    runs: rows.map(([host, hours, ranMs, end], n) => ({
      ...{ runId: `9ab98b35-3735-4010-a43b-bfe24e30079${n}`, host, user: 'root', command: './backup.sh' },
      ...{ start: ago(hours), ranMs, waitedMs: 12, fence: 40 + n, ...end },
    })),
  })

/** The record of who held a lock on another machine. */
const record = (host: string, hours: number, ...command: string[]) =>
  JSON.stringify({ host, pid: 812, user: 'root', command, since: ago(hours), runId: 'r', lockDelayMs: 60_000 })

const BACKUPS = runs(
  ['web3', 73, 252_000, { code: 0 }],
  ['web3', 50, 38_000, { code: 3 }],
  ['web1', 49, 300_000, { code: 0 }],
  ['web3', 25, 700_000, { signal: 'SIGTERM', lost: 'unknown' }],
)

export const OPERATIONS: Story = {
  world: `for name in backup read reindex; do
      printf '#!/bin/sh\\nexec sleep 600\\n' >$name.sh
    done
    printf '#!/bin/sh\\nuntil [ -e reported ]; do sleep 0.1; done\\n' >report.sh
    chmod 755 *.sh
    run() { consul-locker "$@" >/dev/null 2>&1 & }
    becomes() { until consul-locker locks --json | jq -e "$1" >/dev/null; do sleep 0.1; done; }
    held() {
      session=$(curl -sX PUT -d "{\\"LockDelay\\":\\"$2\\"}" http://127.0.0.1:8500/v1/session/create | jq -r .ID)
      curl -sX PUT -d "$3" "http://127.0.0.1:8500/v1/kv/$1?acquire=$session&flags=3304740253564472344"
    }
    cut_off() { held "$@"; curl -sX PUT "http://127.0.0.1:8500/v1/session/destroy/$session"; }
    consul kv put consul-locker-backup=runs '${BACKUPS}'
    consul kv put consul-locker-migrate=runs '${runs(['web1', 55, 1000, { code: 3 }])}'
    consul-locker pause migrate --for 2h
    cut_off consul-locker-cleanup 0s '${record('web7', 2, './cleanup.sh')}'
    cut_off consul-locker-deploy 60s '${record('web1', 0, './deploy.sh')}'
    held lock/redis/leader 0s '${record('redis1', 74, 'leader', 'redis')}'
    for n in 1 2 3; do run --shared index ./read.sh; run --slots 3 web ./reindex.sh; run backup ./backup.sh; done
    becomes '.locks[] | select(.name == "web") | .holders | length == 3'
    run --slots 3 web ./reindex.sh
    run report ./report.sh; run report ./report.sh; run report ./report.sh
    becomes '[.locks[].waiters | length] | add == 5'`,
  pastes: {
    'consul-locker locks --watch': { serves: /backup: held by/, code: 143 },
    'consul-locker unlock backup': { types: 'n', code: 1 },
  },
  shows: {
    'NAME ': `script -qec 'stty cols 80; consul-locker locks' /dev/null | tr -d '\\r'`,
    '2026-11-29T03': `consul-locker locks report --watch </dev/null >watched & watch=$!
      until grep -q '2 wait' watched; do sleep 0.1; done
      touch reported
      until grep -q 'free, last run' watched; do sleep 0.1; done
      kill $watch; cat watched`,
    'backup\n': `printf 'n\\n' | script -qec 'consul-locker unlock backup' /dev/null`,
    'held by': 'consul-locker status backup',
  },
}

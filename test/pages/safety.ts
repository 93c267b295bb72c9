import type { Story } from './story.ts'
import { file, pasted } from './world.ts'

export const SAFETY: Story = {
  slow: true,
  own: ['irreversible-step'],
  programs: { initdb: 'postgresql-15', postgres: 'postgresql-15', psql: 'postgresql-client-15' },
  world: `${file('deploy.sql', pasted('docs/safety.md', 'sql'))}
    mkdir /var/pg; chown nobody /var/pg; cd /var/pg
    somebody() { setpriv --reuid nobody --clear-groups env LC_ALL=C.UTF-8 "$@"; }
    somebody initdb --no-sync --auth=trust --username=root --pgdata=/var/pg/data
    somebody postgres -D /var/pg/data -c unix_socket_directories= -c fsync=off >/dev/null 2>&1 &
    consul-locker wait postgres:127.0.0.1
    psql -h 127.0.0.1 -d postgres -c 'CREATE TABLE deploy_fence (last bigint)' -c 'INSERT INTO deploy_fence VALUES (0)'`,
  pastes: {
    'consul-locker deploy sh -c': {
      before: 'export PGHOST=127.0.0.1 PGDATABASE=postgres',
      prints: /^COMMIT$/m,
      after: '[ "$(psql -tAc "SELECT last > 0 FROM deploy_fence")" = t ]',
    },
    'consul-locker fenced put': { inside: true, after: '[ "$(consul kv get config/primary)" = "$(hostname)" ]' },
    'consul-locker verify': { inside: true, prints: /^irreversible-step$/m },
  },
  never: {
    'lock-delay ≥': 'a formula',
    't0 ': 'a drawing',
  },
}

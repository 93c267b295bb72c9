import type { Story } from './story.ts'

const NODES = [1, 2, 3]

/** An application that does whatever it is told, and says that it has as much as all others. */
const APPLICATION = (n: number) => `name: redis
port: 6379
api: 10.0.0.${n}:8000
interval: 500ms
min_leader_time: 0s
health: { command: ['true'] }
ready_to_lead: [sh, -c, '[ ! -e /var/away ] && echo 5']
ensure_master: ['true']
ensure_slave: ['true']
reinit: ['true']
demote: ['true']
fence: ['true']
`

/** Has somebody lead, and says who that is not to be. */
const led = (by: string) => `until consul-locker leader status redis | grep -q '${by} is master'; do sleep 0.2; done`

const NOT_WEB2 = `if consul-locker leader status redis | grep -q 'web2 is master'; then
  consul-locker leader switchover redis --candidate web1
fi`

export const LEADER: Story = {
  slow: true,
  consul: 'agent',
  programs: { 'redis-server': 'redis-server', ip: 'iproute2' },
  world: `redis-server >/dev/null 2>&1 &
    agent() {
      ip addr add 10.0.0.$1/32 dev lo
      consul agent -node web$1 -bind 10.0.0.$1 -client 10.0.0.$1 -retry-join 127.0.0.1 -data-dir /var/consul/web$1 \\
        >/dev/null 2>&1 &
    }
    ${NODES.map((n) => `cat >web${n}.yaml <<'END'\n${APPLICATION(n)}END\nagent ${n}`).join('\n')}`,
  pastes: {
    'consul-locker leader -f': {
      serves: /promoted|master/,
      after: led('db1'),
    },
    'consul-locker leader status': {
      before: `for n in ${NODES.join(' ')}; do
          until consul members | grep -q "web$n .*alive"; do sleep 0.2; done
          CONSUL_HTTP_ADDR=10.0.0.$n:8500 consul-locker leader -f web$n.yaml >/dev/null 2>&1 & echo $! >web$n.pid
          ${led('web1')}
        done
        until [ $(consul-locker leader status redis | grep -c passing) = 3 ]; do sleep 0.2; done`,
    },
    'consul-locker leader reinit': { types: 'y' },
    // The master's data are gone, and nobody has as much.
    'consul-locker leader promote': {
      before: `touch /var/away; kill $(cat web2.pid); while kill -0 $(cat web2.pid) 2>/dev/null; do sleep 0.2; done
        CONSUL_HTTP_ADDR=10.0.0.2:8500 consul-locker leader -f web2.yaml >/dev/null 2>&1 &
        until consul-locker leader status redis | grep -q web2; do sleep 0.2; done; consul-locker leader status redis >&2`,
      types: 'y',
      after: 'rm /var/away',
    },
    'consul-locker leader maintenance': { after: 'consul-locker leader maintenance redis --off' },
    'consul-locker leader switchover': { before: NOT_WEB2 },
    'consul-locker leader switchover redis --candidate web2 --at': {
      before: NOT_WEB2,
      after: 'consul-locker leader switchover redis --cancel',
    },
  },
  never: {
    modprobe: 'it is for the kernel of the machine',
    wdctl: 'it is for the kernel of the machine',
  },
}

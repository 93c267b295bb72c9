import type { Story } from './story.ts'

const RECIPES = 'test/slow/recipes.test.ts'

/** Two runs that others had, as they stand in Consul. */
const RUNS = JSON.stringify({
  runs: [
    { host: 'web1', start: '2026-11-27T23:00:01.000Z', waitedMs: 12, ranMs: 252_000, fence: 40, code: 0 },
    { host: 'web3', start: '2026-11-28T23:00:01.000Z', waitedMs: 15, ranMs: 38_000, fence: 41, killed: true },
  ].map((run, n) => ({ runId: `9ab98b35-3735-4010-a43b-bfe24e30079${n}`, user: 'root', command: './backup', ...run })),
})

export const CRON: Story = {
  own: ['hourly-report', 'report', 'backup', 'tell'],
  world: `mkdir -p /etc/systemd/system /var/lib/prometheus/node-exporter /etc/ssl/private
    consul kv put consul-locker-backup=runs '${RUNS}'
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hc-ping.com -addext subjectAltName=DNS:hc-ping.com \\
      -keyout /etc/ssl/private/ping.key -out /etc/ssl/ping.pem 2>/dev/null
    echo 127.0.0.1 hc-ping.com >>/etc/hosts
    '${process.execPath}' -e '
      const [key, cert] = ["/etc/ssl/private/ping.key", "/etc/ssl/ping.pem"].map((file) => fs.readFileSync(file))
      https.createServer({ key, cert }, ({ url }, answer) => {
        fs.appendFileSync("/var/pings", url + String.fromCharCode(10))
        answer.end()
      }).listen(443)' >/dev/null 2>&1 &`,
  pastes: {
    'consul-locker pause --all': { after: 'consul-locker resume --all' },
    'consul-locker --ping': {
      before: 'export SSL_CERT_FILE=/etc/ssl/ping.pem',
      after: `grep -q '^/5bf66975.*/start?rid=' /var/pings && grep -q '^/5bf66975.*/0?rid=' /var/pings`,
    },
    'consul-locker --textfile': { after: 'grep -q run_last_success /var/lib/prometheus/node-exporter/backup.prom' },
    'consul-locker --quiet-unless-fail': { after: 'grep -q "report$" /var/log/report.log' },
  },
  shows: {
    // Twice, for the hour may have just begun.
    'consul-locker: report is skipped': `for run in 1 2; do
      consul-locker --slot '%Y-%m-%dT%H' report ./hourly-report
    done`,
    '7 * * * *': "consul-locker crontab --schedule '7 * * * *' -q -n -E 0 report ./report --since '%H'",
    'STARTED ': 'consul-locker history backup',
    'OK: ': 'consul-locker status backup --max-age 26h',
  },
  elsewhere: {
    'PATH=/usr': RECIPES,
    '7,37 * * * * root': RECIPES,
    '30 1 * * * root': RECIPES,
    '*/15 * * * * root': RECIPES,
    'consul-locker unit --directory /etc/systemd/system \\\n  indexer': RECIPES,
  },
}

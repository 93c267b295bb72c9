import type { Story } from './story.ts'

const SCRIPTS = 'test/slow/deploy.test.ts'
const RECIPES = 'test/slow/recipes.test.ts'

export const DEPLOY: Story = {
  pastes: { 'consul-locker pause reboot': { after: 'consul-locker resume reboot' } },
  shows: { '{"name":"deploy"': 'consul-locker hold deploy --for 0.1s </dev/null' },
  elsewhere: {
    '#!/bin/sh': SCRIPTS,
    '#!/bin/bash': SCRIPTS,
    'field() ': SCRIPTS,
    'export CONSUL_LOCKER_': SCRIPTS,
    'consul-locker verify --remaining': SCRIPTS,
    'mkfifo lock.pipe': SCRIPTS,
    'consul-locker hold deploy': SCRIPTS,
    'read -r lock': SCRIPTS,
    'run=': SCRIPTS,
    'echo "${run': SCRIPTS,
    'consul-locker release deploy --run': SCRIPTS,
    'consul-locker --slots 2': RECIPES,
    'consul-locker --wait 20m': RECIPES,
    '*/5 2-4': RECIPES,
    '@reboot': RECIPES,
  },
}

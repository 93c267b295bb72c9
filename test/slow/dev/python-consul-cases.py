"""The cases of python-consul's own tests (github.com/cablehead/python-consul, tests/test_std.py).

Debian has version 0.7.1, which asks by GET for what Consul since 1.0 does on a PUT: there the cases send the PUT through
the client themselves. Left out are those about events, prepared queries, coordinates, raft peers and ACL rules, which consul-locker dev has not,
and script checks. They wait for a condition where the original sleeps. CONSUL_PORT says where the agent is.
"""

import base64
import json
import os
import struct
import threading
import time
import unittest

import consul
from consul import Check

PORT = int(os.environ['CONSUL_PORT'])


class Case(unittest.TestCase):
    def setUp(self):
        self.c = consul.Consul(port=PORT)
        self.name = self.id().rsplit('.', 1)[-1].replace('_', '-')

    def eventually(self, condition):
        end = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), end, 'the condition did not come about')
            time.sleep(0.02)

    def becomes(self, look, expected):
        """An agent tells the servers of its services when it gets to it."""
        self.eventually(lambda: look() == expected)

    def put(self, *path, **params):
        """What the client would ask for by a GET, by a PUT."""
        return self.c.http.put(lambda response: response.code == 200, '/v1/agent/' + '/'.join(path), params=params)

    def refuses(self, call, *args, **kwargs):
        self.assertRaises(consul.ConsulException, call, *args, **kwargs)


class Kv(Case):
    def key(self, end=''):
        return self.name + end

    def test_get_and_put(self):
        self.assertIsNone(self.c.kv.get(self.key())[1])
        self.assertIs(self.c.kv.put(self.key(), 'bar'), True)
        self.assertEqual(self.c.kv.get(self.key())[1]['Value'], b'bar')

    def test_wait(self):
        self.c.kv.put(self.key(), 'bar')
        index, _ = self.c.kv.get(self.key())
        self.assertEqual(self.c.kv.get(self.key(), index=index, wait='20ms')[0], index)

    def test_blocking_query(self):
        self.c.kv.put(self.key(), '1')
        index, _ = self.c.kv.get(self.key())
        answers = []
        waiting = threading.Thread(
            target=lambda: answers.append(consul.Consul(port=PORT).kv.get(self.key(), index=index, wait='20s')))
        waiting.start()
        self.c.kv.put(self.key(), '2')
        waiting.join(10)
        self.assertEqual(answers[0][1]['Value'], b'2')

    def test_encoding(self):
        self.c.kv.put(self.key(), struct.pack('i', 1000))
        self.assertEqual(struct.unpack('i', self.c.kv.get(self.key())[1]['Value']), (1000,))
        self.c.kv.put(self.key(), bytes(range(256)))
        self.assertEqual(self.c.kv.get(self.key())[1]['Value'], bytes(range(256)))
        for nothing in ('', None):
            self.c.kv.put(self.key(), nothing)
            self.assertIsNone(self.c.kv.get(self.key())[1]['Value'])

    def test_put_cas(self):
        self.assertIs(self.c.kv.put(self.key(), 'bar', cas=50), False)
        self.assertIs(self.c.kv.put(self.key(), 'bar', cas=0), True)
        index = self.c.kv.get(self.key())[1]['ModifyIndex']
        self.assertIs(self.c.kv.put(self.key(), 'bar2', cas=index - 1), False)
        self.assertIs(self.c.kv.put(self.key(), 'bar2', cas=index), True)

    def test_put_flags(self):
        self.c.kv.put(self.key(), 'bar', flags=50)
        self.assertEqual(self.c.kv.get(self.key())[1]['Flags'], 50)

    def test_recurse(self):
        self.assertIsNone(self.c.kv.get(self.key('/'), recurse=True)[1])
        self.c.kv.put(self.key('/'), None)
        for n in '123':
            self.c.kv.put(self.key('/bar' + n), n)
        _, data = self.c.kv.get(self.key('/'), recurse=True)
        self.assertEqual([x['Key'] for x in data], [self.key(end) for end in ('/', '/bar1', '/bar2', '/bar3')])
        self.assertEqual([x['Value'] for x in data], [None, b'1', b'2', b'3'])

    def test_delete(self):
        for n in '123':
            self.c.kv.put(self.key(n), n)
        self.assertIs(self.c.kv.delete(self.key('2')), True)
        self.assertEqual([x['Key'] for x in self.c.kv.get(self.key(), recurse=True)[1]], [self.key('1'), self.key('3')])
        self.assertIs(self.c.kv.delete(self.key(), recurse=True), True)
        self.assertIsNone(self.c.kv.get(self.key(), recurse=True)[1])

    def test_delete_cas(self):
        self.c.kv.put(self.key(), 'bar')
        index, data = self.c.kv.get(self.key())
        self.assertIs(self.c.kv.delete(self.key(), cas=data['ModifyIndex'] - 1), False)
        self.assertEqual(self.c.kv.get(self.key()), (index, data))
        self.assertIs(self.c.kv.delete(self.key(), cas=data['ModifyIndex']), True)

    def test_keys_only(self):
        for end in ('/foo', '/base/foo'):
            self.c.kv.put(self.key(end), '1')
        _, keys = self.c.kv.get(self.key('/'), keys=True, separator='/')
        self.assertEqual(keys, [self.key('/base/'), self.key('/foo')])

    def test_acquire_release(self):
        self.refuses(self.c.kv.put, self.key(), 'bar', acquire='foo')
        s1, s2 = self.c.session.create(), self.c.session.create()
        steps = [('1', 'acquire', s1, True), ('2', 'acquire', s2, False), ('1', 'acquire', s1, True),
                 ('1', 'release', 'foo', False), ('2', 'release', s2, False), ('2', 'release', s1, True)]
        for value, verb, session, expected in steps:
            self.assertIs(self.c.kv.put(self.key(), value, **{verb: session}), expected)
        self.c.session.destroy(s1)
        self.c.session.destroy(s2)

    def test_lock_recipe(self):
        """Two that want a lock: the second waits in a blocking query, and has it when the first one's session ends."""
        mine = self.c.session.create(name='lock', lock_delay=0, ttl=10)
        yours = self.c.session.create(name='lock', lock_delay=0, ttl=10)
        self.assertIs(self.c.kv.put(self.key(), 'me', acquire=mine), True)
        index, held = self.c.kv.get(self.key())
        self.assertEqual(held['Session'], mine)
        self.assertIs(self.c.kv.put(self.key(), 'you', acquire=yours), False)
        threading.Timer(0.1, lambda: consul.Consul(port=PORT).session.destroy(mine)).start()
        while True:
            index, free = self.c.kv.get(self.key(), index=index, wait='20s')
            if 'Session' not in free:
                break
        self.assertIs(self.c.kv.put(self.key(), 'you', acquire=yours), True)

    def txn(self, *operations):
        return self.c.http.put(lambda response: json.loads(response.body), '/v1/txn', data=json.dumps(operations))

    def test_transaction(self):
        value = base64.b64encode(b'1').decode('utf8')
        answer = self.txn({'KV': {'Verb': 'set', 'Key': self.key(), 'Value': value}})
        self.assertIsNone(answer['Errors'])
        answer = self.txn({'KV': {'Verb': 'get', 'Key': self.key()}})
        self.assertEqual(answer['Results'][0]['KV']['Value'], value)


class Agent(Case):
    def status(self, check):
        return self.c.agent.checks().get(check, {}).get('Status')

    def instances(self, **kwargs):
        return [node['Service']['ID'] for node in self.c.health.service(self.name, **kwargs)[1]]

    def test_checks(self):
        check = self.c.agent.check
        http = 'http://127.0.0.1:{0}'.format(PORT)
        check.register(self.name, Check.ttl('1s'), notes='foo')
        self.assertEqual(self.c.agent.checks()[self.name]['Notes'], 'foo')
        self.assertIs(self.put('check/deregister', self.name), True)
        self.assertNotIn(self.name, self.c.agent.checks())
        for probe in (Check.http(http, '10ms'), Check.http(http, '100ms', timeout='2s'),
                      Check.tcp('127.0.0.1', PORT, '10ms')):
            self.assertIs(check.register('a name', probe, check_id=self.name), True)
            self.eventually(lambda: self.status(self.name) == 'passing')
            self.put('check/deregister', self.name)
        check.register(self.name, Check.ttl('1h'))
        for verb, status in (('warn', 'warning'), ('fail', 'critical'), ('pass', 'passing')):
            self.assertIs(self.put('check', verb, self.name), True)
            self.assertIs(self.put('check', verb, self.name, note='because'), True)
            self.assertEqual(self.status(self.name), status)
            self.assertEqual(self.c.agent.checks()[self.name]['Output'], 'because')
        check.register(self.name, Check.ttl('100ms'))
        self.put('check/pass', self.name)
        self.eventually(lambda: self.status(self.name) == 'critical')
        self.put('check/deregister', self.name)

    def test_script_check(self):
        self.refuses(self.c.agent.check.register, self.name, Check.script('/bin/true', '10s'))
        self.refuses(self.c.agent.check.register, self.name, Check.docker('wow', '/bin/bash', '/bin/true', '10s'))
        self.assertNotIn(self.name, self.c.agent.checks())

    def test_service_dereg_issue_156(self):
        name = 'app#127.0.0.1#3000'
        self.c.agent.service.register(name)
        self.becomes(lambda: [node['Service']['ID'] for node in self.c.health.service(name)[1]], [name])
        self.assertIs(self.put('service/deregister', name), True)
        self.becomes(lambda: self.c.health.service(name)[1], [])

    def test_checks_service_id(self):
        self.c.agent.service.register(self.name)
        self.c.agent.check.register('foo', Check.ttl('1h'), service_id=self.name)
        self.becomes(lambda: {(check['CheckID'], check['ServiceID'])
                              for node in self.c.health.service(self.name)[1] for check in node['Checks']},
                     {('foo', self.name), ('serfHealth', '')})
        self.put('check/deregister', 'foo')
        self.put('service/deregister', self.name)
        self.refuses(self.c.agent.check.register, 'foo', Check.ttl('1h'), service_id=self.name)

    def test_enable_tag_override(self):
        self.c.agent.service.register(self.name, enable_tag_override=True)
        self.assertIs(self.c.agent.services()[self.name]['EnableTagOverride'], True)
        self.put('service/deregister', self.name)

    def test_maintenance(self):
        self.c.agent.service.register(self.name, check=Check.ttl('1h'))
        mark = '_service_maintenance:' + self.name
        self.c.agent.service.maintenance(self.name, 'true', 'test')
        self.assertEqual(self.c.agent.checks()[mark]['Notes'], 'test')
        self.c.agent.service.maintenance(self.name, 'false')
        self.assertNotIn(mark, self.c.agent.checks())
        self.put('service/deregister', self.name)
        self.c.agent.maintenance('true', 'test')
        self.assertEqual(self.c.agent.checks()['_node_maintenance']['Notes'], 'test')
        self.c.agent.maintenance('false')
        self.assertNotIn('_node_maintenance', self.c.agent.checks())

    def test_members_self_and_status(self):
        me = self.c.agent.self()
        self.assertEqual(set(me), {'Member', 'Stats', 'Config', 'Coord', 'DebugConfig', 'Meta'})
        self.assertIn(me['Member'], self.c.agent.members())
        self.assertTrue(all('dc1' in member['Name'] for member in self.c.agent.members(wan=True)))
        self.assertEqual(self.c.status.leader(), me['Stats']['consul']['leader_addr'])
        self.assertIn(self.c.status.leader(), self.c.status.peers())

    def test_services(self):
        self.assertIs(self.c.agent.service.register(self.name, address='10.10.10.1'), True)
        self.assertEqual(self.c.agent.services()[self.name]['Address'], '10.10.10.1')
        self.assertIs(self.put('service/deregister', self.name), True)
        self.assertNotIn(self.name, self.c.agent.services())

    def test_health_service(self):
        self.becomes(lambda: self.instances(), [])
        one, two = self.name + ':1', self.name + ':2'
        self.c.agent.service.register(self.name, service_id=one, check=Check.ttl('1h'), tags=['tag:1'])
        self.c.agent.service.register(self.name, service_id=two, check=Check.ttl('1s'))
        self.becomes(lambda: self.instances(), [one, two])
        self.becomes(lambda: self.instances(passing=True), [])
        self.put('check/pass', 'service:' + one)
        self.eventually(lambda: self.put('check/pass', 'service:' + two) and self.instances(passing=True) == [one, two])
        self.eventually(lambda: self.instances(passing=True) == [one])
        self.eventually(lambda: self.put('check/pass', 'service:' + two) and self.instances(passing=True) == [one, two])
        self.becomes(lambda: self.instances(tag='tag:1'), [one])
        self.eventually(lambda: {'', one} <= {check['ServiceID'] for check in self.c.health.state('passing')[1]})
        self.assertEqual([check['CheckID'] for check in self.c.health.checks(self.name)[1]],
                         ['service:' + one, 'service:' + two])
        for service in (one, two):
            self.put('service/deregister', service)
        self.becomes(lambda: self.instances(), [])

    def test_health_blocking_query(self):
        index, _ = self.c.health.service(self.name)
        answers = []
        waiting = threading.Thread(
            target=lambda: answers.append(consul.Consul(port=PORT).health.service(self.name, index=index, wait='20s')))
        waiting.start()
        self.c.agent.service.register(self.name)
        waiting.join(10)
        self.assertEqual([node['Service']['ID'] for node in answers[0][1]], [self.name])
        self.put('service/deregister', self.name)

    def test_health_node(self):
        node = self.c.agent.self()['Config']['NodeName']
        self.assertIn(node, [check['Node'] for check in self.c.health.node(node)[1]])

    def test_acl_disabled(self):
        for call in (self.c.acl.list, self.c.acl.create):
            self.assertRaises(consul.ACLDisabled, call)


class Catalog(Case):
    def nodes(self):
        return [node['Node'] for node in self.c.catalog.nodes()[1] if node['Node'] in ('n1', 'n2')]

    def test_catalog(self):
        catalog = self.c.catalog
        self.assertEqual(catalog.datacenters(), ['dc1'])
        self.refuses(catalog.register, 'foo', '10.1.10.11', dc='dc2')
        self.assertIs(catalog.register('n1', '10.1.10.11', service={'service': 's1'}, check={'name': 'c1'}), True)
        self.assertIs(catalog.register('n1', '10.1.10.11', service={'service': 's2'}), True)
        self.assertIs(catalog.register('n2', '10.1.10.12', service={'service': 's1', 'tags': ['master']}), True)
        self.refuses(catalog.nodes, dc='dc2')
        self.assertEqual(self.nodes(), ['n1', 'n2'])
        self.refuses(catalog.services, dc='dc2')
        _, services = catalog.services()
        self.assertEqual((services['s1'], services['s2'], services['consul']), (['master'], [], []))
        self.refuses(catalog.node, 'n1', dc='dc2')
        self.assertEqual(set(catalog.node('n1')[1]['Services']), {'s1', 's2'})
        self.assertIsNone(catalog.node('n3')[1])
        self.refuses(catalog.service, 's1', dc='dc2')
        self.assertEqual({x['Node'] for x in catalog.service('s1')[1]}, {'n1', 'n2'})
        self.assertEqual({x['Node'] for x in catalog.service('s1', tag='master')[1]}, {'n2'})
        self.refuses(catalog.deregister, 'n2', dc='dc2')
        self.assertIs(catalog.deregister('n1', check_id='c1'), True)
        self.assertIs(catalog.deregister('n2', service_id='s1'), True)
        self.assertEqual(self.nodes(), ['n1', 'n2'])
        self.assertEqual({x['Node'] for x in catalog.service('s1')[1]}, {'n1'})
        for node in ('n1', 'n2'):
            self.assertIs(catalog.deregister(node), True)
        self.assertEqual(self.nodes(), [])


class Session(Case):
    def test_session(self):
        session = self.c.session
        self.refuses(session.create, node='n2')
        self.refuses(session.create, dc='dc2')
        mine = session.create('my-session')
        self.refuses(session.list, dc='dc2')
        self.assertIn('my-session', [x['Name'] for x in session.list()[1]])
        self.refuses(session.info, mine, dc='dc2')
        self.assertIsNone(session.info('1' * 36)[1])
        info = session.info(mine)[1]
        self.assertEqual(info['Name'], 'my-session')
        self.refuses(session.node, info['Node'], dc='dc2')
        self.assertIn('my-session', [x['Name'] for x in session.node(info['Node'])[1]])
        self.refuses(session.destroy, mine, dc='dc2')
        self.assertIs(session.destroy(mine), True)
        self.assertIsNone(session.info(mine)[1])

    def test_delete_ttl_renew(self):
        mine = self.c.session.create(behavior='delete', ttl=20)
        self.assertRaises(consul.NotFound, self.c.session.renew, '1' * 36)
        session = self.c.session.renew(mine)
        self.assertEqual((session['Behavior'], session['TTL']), ('delete', '20s'))
        self.assertIs(self.c.kv.put(self.name, '1', acquire=mine), True)
        self.c.session.destroy(mine)
        self.assertIsNone(self.c.kv.get(self.name)[1])


if __name__ == '__main__':
    unittest.main(verbosity=2)

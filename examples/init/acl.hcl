# What the token of an init script, its watches and its check needs. With a token per node, give each the write rule for
# its own folder only, and the rules for the cluster key, the switch and its lock to whoever runs start-primary.
key_prefix "service/myserviceConsulName/" { policy = "write" }
key "cluster/production/myserviceConsulName" { policy = "write" }
key_prefix "consul-locker-switchover/myserviceConsulName" { policy = "write" }
session_prefix "" { policy = "write" }
node_prefix "" { policy = "read" }
service_prefix "" { policy = "read" }
agent_prefix "" { policy = "read" }

# For check --nodns, which registers the service again with another tag:
# service "myserviceConsulName" { policy = "write" }

#!/bin/sh
# Becomes the executable for this machine, which is in a package of its own. No Node stays in between: signals, the exit
# code, the terminal and the process's id are the executable's.
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) package=consul-locker-linux-x64 ;;
  Linux-aarch64 | Linux-arm64) package=consul-locker-linux-arm64 ;;
  *)
    echo "consul-locker: there is no executable for $(uname -s) on $(uname -m), but for Linux on x64 and arm64" >&2
    exit 126
    ;;
esac
here=$(readlink -f -- "$0") || exit 126
while [ "$here" != / ]; do
  here=$(dirname -- "$here")
  executable="$here/node_modules/$package/consul-locker"
  [ -x "$executable" ] && exec "$executable" "$@"
done
echo "consul-locker: the package $package is not installed: install again, without --omit=optional" >&2
exit 127

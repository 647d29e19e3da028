#!/bin/sh
# The tests talk to a real broker. Install it when we may, otherwise say exactly what to install.
set -eu
if [ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mosquitto >/dev/null
  exit 0
fi
echo "the tests need the mosquitto broker; run: sudo apt-get install -y mosquitto" >&2
exit 4

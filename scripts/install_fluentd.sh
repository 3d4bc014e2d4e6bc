#!/usr/bin/env bash
# Installs the Fluentd that the tests talk to into tests/fluentd/vendor, in the
# versions that Gemfile.lock names. Does nothing where it is there already.
set -euo pipefail
cd "$(dirname "$0")/../tests/fluentd"

missing=()
for command in ruby bundle; do
  command -v "$command" >/dev/null || missing+=("$command")
done
if ((${#missing[@]} > 0)); then
  echo "Cannot install Fluentd: ${missing[*]} not found. Install Ruby 3.1 or" \
    "newer, Bundler, and a C compiler with make (Debian: apt-get install" \
    "ruby-full ruby-bundler build-essential), and run $0 again." >&2
  exit 1
fi

export BUNDLE_PATH=vendor BUNDLE_FROZEN=true BUNDLE_SILENCE_ROOT_WARNING=true
if bundle check >/dev/null 2>&1; then
  echo "Fluentd is installed already."
  exit 0
fi

for command in make cc; do
  command -v "$command" >/dev/null || missing+=("$command")
done
if ((${#missing[@]} > 0)); then
  echo "Cannot install Fluentd: ${missing[*]} not found, and some of its gems" \
    "are compiled (Debian: apt-get install build-essential)." >&2
  exit 1
fi
bundle install --jobs 2 --retry 3

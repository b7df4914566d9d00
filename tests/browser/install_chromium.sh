#!/usr/bin/env bash
# A Chromium for the browser tests from the system's packages (Debian), where there is none; as root.
# Where it cannot be installed, a sentence says why, and the tests are skipped. It always ends with 0.
set -u
MOST_SECONDS=240

without() {
    echo "No Chromium: $*. The tests of pages in a browser are skipped."
    exit 0
}

for program in chromium chromium-browser google-chrome google-chrome-stable chromium-headless-shell; do
    command -v "$program" >/dev/null && exit 0
done
command -v apt-get >/dev/null || without "this system has no apt-get"
[ "$(id -u)" = 0 ] || without "only root can install it"
export DEBIAN_FRONTEND=noninteractive
quiet=(timeout "$MOST_SECONDS" apt-get -qq -o DPkg::Lock::Timeout=60 -o Acquire::Retries=1)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${quiet[@]}" update >"$log" 2>&1 || without "apt-get update: $(tail -n 1 "$log")"
# The shell without windows is the smaller one; it is not in every release. On Ubuntu neither is a program by itself.
for package in chromium-headless-shell chromium; do
    "${quiet[@]}" install -y --no-install-recommends "$package" >"$log" 2>&1 && exit 0
done
without "apt-get install: $(tail -n 1 "$log")"

#!/bin/sh
# Installs the dependencies only where node_modules is absent or older than the lockfile.
# `npm test` and `npm run quickstart` call it first, so that a fresh clone needs no other command.
set -eu
cd "$(dirname "$0")/.."
stamp=node_modules/.package-lock.json
if [ ! -f "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
  echo "installing dependencies (npm ci) …" >&2
  # An npm that does not know allowScripts of package.json would run a script that downloads GPU libraries.
  ONNXRUNTIME_NODE_INSTALL=skip npm ci --no-audit --no-fund --loglevel=error >&2
  touch "$stamp"
fi
if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 22) ? 0 : 1)'; then
  echo "Sluice needs Node 22.22 or newer; this is $(node --version). Install it from https://nodejs.org or your package manager." >&2
  exit 1
fi

#!/usr/bin/env bash
# Refreshes downloader/report/formats/page/plot.js from npm, at the versions of package-lock.json, and the
# licences of all that is in it. To take newer versions: npm update, then this.
set -euo pipefail
cd "$(dirname "$0")"
page=../../downloader/report/formats/page
npm ci --silent --no-audit --no-fund
npx esbuild plot.js --bundle --minify --format=iife --global-name=Plot --charset=ascii \
  --legal-comments=none --metafile=meta.json --outfile="$page/plot.js" --log-level=warning
# What ends a script in HTML must not be in it.
if grep -qiE '</script|<!--' "$page/plot.js"; then exit 1; fi
node licences.mjs > "$page/plot.LICENSE.txt"
rm meta.json
# Only for tests: it looks for what people with disabilities could not use (MPL-2.0).
cp node_modules/axe-core/axe.min.js ../../tests/data/axe.min.js

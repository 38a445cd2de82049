#!/usr/bin/env bash
# Refreshes downloader/report/page/charts.js from npm, at the versions of package-lock.json, and the
# licences of all that is in it. To take newer versions: npm update, then this.
set -euo pipefail
cd "$(dirname "$0")"
page=../../downloader/report/page
npm ci --silent --no-audit --no-fund
npx esbuild charts.js --bundle --minify --format=iife --global-name=Charts --charset=ascii \
  --legal-comments=none --metafile=meta.json --outfile="$page/charts.js" --log-level=warning
node licences.mjs > "$page/charts.LICENSE.txt"
rm meta.json
# Only for tests: it looks for what people with disabilities could not use (MPL-2.0).
cp node_modules/axe-core/axe.min.js ../../tests/data/axe.min.js

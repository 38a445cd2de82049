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

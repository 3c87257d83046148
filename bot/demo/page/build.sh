#!/bin/sh
# Builds the page into static/. Its result is committed, so that nobody needs npm to run the demo.
set -eu
cd "$(dirname "$0")"
npm ci --no-audit --no-fund --ignore-scripts
rm -rf static
mkdir -p static
cp src/index.html static/index.html
node_modules/.bin/esbuild src/page.jsx --bundle --minify --jsx=automatic --format=iife --target=es2022 --charset=utf8 \
  --define:process.env.NODE_ENV='"production"' --legal-comments=none --metafile=node_modules/meta.json \
  --outfile=static/page.js
node notices.mjs > static/NOTICE.txt

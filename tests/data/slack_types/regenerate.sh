#!/usr/bin/env bash
# Writes schema.json: what @slack/types says a message, a modal and a Home tab are. Needs Node.js, npm and the registry.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
cp "$here/sent.ts" "$made"
cd "$made"
npm install --silent --no-save --ignore-scripts @slack/types@3.2.0 ts-json-schema-generator@2.10.0
cp node_modules/@slack/types/LICENSE "$here/LICENSE"
echo '{"compilerOptions": {"strict": true, "module": "nodenext", "skipLibCheck": true}, "files": ["sent.ts"]}' > tsconfig.json
npx ts-json-schema-generator --tsconfig tsconfig.json --path sent.ts --type Sent --jsDoc none --out schema.json
node -e 'const s = JSON.parse(require("fs").readFileSync("schema.json")); console.log(JSON.stringify(s, null, 1))' > "$here/schema.json"

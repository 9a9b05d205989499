#!/bin/sh
# Prints the bill of materials (CycloneDX, JSON) of what runs: the packages of package-lock.json without those for development.
#
# `npm sbom --omit=dev` in the working folder leaves out packages that a development package needs too (yaml, because of
# vite), and names the application after its folder. So it looks at a folder of that name where there is nothing else.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/ftps-sftp-gateway"
cd "$work/ftps-sftp-gateway"
cp "$source/package.json" "$source/package-lock.json" .
npm pkg delete devDependencies >&2
npm install --package-lock-only --ignore-scripts --offline --no-audit --no-fund --loglevel=error >&2
npm sbom --package-lock-only --sbom-format=cyclonedx --sbom-type=application

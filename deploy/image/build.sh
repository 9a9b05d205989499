#!/bin/sh
# Builds the container image without a Docker engine and without a registry, on Debian, as root:
#
#   npm ci && npm run build && deploy/image/build.sh ftps-gateway.tar
#
# The base is made by debootstrap from Debian's packages, Node is the one of this machine (NODE=FILE for another one, of the
# version that npm ci ran with), the archive is written by buildah: podman load -i ftps-gateway.tar, or docker load.
# The Dockerfile makes the same on Node's own image. Packages: debootstrap, buildah.
set -eu

archive=${1:?usage: deploy/image/build.sh ARCHIVE.tar}
suite=${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
mirror=${MIRROR:-http://deb.debian.org/debian}
node=$(readlink -f "${NODE:-$(command -v node)}")
source=$(cd "$(dirname "$0")/../.." && pwd)
version=$("$node" -p 'require(process.argv[1]).version' "$source/package.json")
revision=${REVISION:-$(git -C "$source" rev-parse HEAD 2>/dev/null || echo unknown)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Kept between builds where BASE names a folder.
base=${BASE:-$work/base}
image=$work/image

if [ ! -e "$base/etc/os-release" ]; then
  rm -rf "$base.new"
  debootstrap --variant=minbase --include=ca-certificates,libstdc++6 "$suite" "$base.new" "$mirror" >&2
  mv "$base.new" "$base"
fi

cp -a "$base" "$image"
# Nothing is installed or changed in a running container, and nobody becomes somebody else.
rm -rf "$image"/var/lib/apt/lists/* "$image"/var/cache/apt/* "$image"/var/log/* "$image"/usr/share/doc "$image"/usr/share/man \
  "$image"/usr/share/locale "$image"/dev/*
find "$image" -xdev -type f -perm /6000 -exec chmod a-s {} +
echo 'node:x:1000:' >>"$image/etc/group"
echo 'node:x:1000:1000::/var/lib/ftps-gateway:/usr/sbin/nologin' >>"$image/etc/passwd"

install -m 0755 "$node" "$image/usr/local/bin/node"
install -d "$image/app" "$image/etc/ftps-gateway"
install -d -o 1000 -g 1000 -m 0700 "$image/var/lib/ftps-gateway"
cp -a "$source/package.json" "$source/package-lock.json" "$source/LICENSE" "$source/node_modules" "$source/dist" "$image/app/"
(cd "$image/app" && npm prune --omit=dev --offline --ignore-scripts --no-audit --no-fund >&2 && rm package-lock.json)
chown -R 0:0 "$image/app"
chmod 0755 "$image/app/dist/main.js"
ln -s /app/dist/main.js "$image/usr/local/bin/ftps-gateway"

in_store() {
  command=$1
  shift
  # Its own store, so that nothing is left on this machine; vfs works where overlays do not.
  buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$command" "$@"
}
# Docker's format, because the one of the OCI has no health check.
export BUILDAH_FORMAT=docker
container=$(in_store from scratch)
in_store copy --quiet "$container" "$image" / >&2
rm -rf "$image"
config=/etc/ftps-gateway/gateway.yaml
in_store config --user 1000:1000 --workingdir /app \
  --env PATH=/usr/local/bin:/usr/bin:/bin --env NODE_ENV=production --env NODE_OPTIONS=--enable-source-maps \
  --env "FTPS_GATEWAY_REVISION=$revision" \
  --port 21 --port 990 --port 50000-50099 --port 9464 --volume /var/lib/ftps-gateway --stop-signal SIGTERM \
  --entrypoint '["ftps-gateway"]' --cmd "serve --config $config" \
  --healthcheck "CMD ftps-gateway health --config $config" --healthcheck-interval 30s --healthcheck-timeout 10s \
  --healthcheck-start-period 20s \
  --label org.opencontainers.image.title=ftps-sftp-gateway \
  --label 'org.opencontainers.image.description=FTPS in front, SFTP behind' \
  --label org.opencontainers.image.licenses=Apache-2.0 \
  --label "org.opencontainers.image.version=$version" --label "org.opencontainers.image.revision=$revision" "$container"
rm -f "$archive"
in_store commit --quiet "$container" "docker-archive:$archive:ftps-gateway:$version" >&2
echo "$archive: ftps-gateway:$version, $(du -h "$archive" | cut -f1)"

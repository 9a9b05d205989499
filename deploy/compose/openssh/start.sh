#!/bin/sh
# Makes the host key once, writes known_hosts for the gateway, gives the user its password, and becomes sshd.
set -eu
keys=/etc/ssh/keys
[ -s "$keys/ed25519" ] || ssh-keygen -q -t ed25519 -N '' -f "$keys/ed25519"
id "$FTP_USER" >/dev/null 2>&1 || useradd --no-create-home --home-dir /files --shell /usr/sbin/nologin "$FTP_USER"
printf '%s:%s\n' "$FTP_USER" "$FTP_PASSWORD" | chpasswd
chown root:root /srv/sftp
chown "$FTP_USER" /srv/sftp/files
mkdir -p /run/sshd
known=/run/known-hosts/known_hosts
printf 'backend %s\n' "$(cut -d ' ' -f 1-2 "$keys/ed25519.pub")" >"$known.new"
chmod 0644 "$known.new"
mv "$known.new" "$known"
unset FTP_PASSWORD
exec /usr/sbin/sshd -D -e

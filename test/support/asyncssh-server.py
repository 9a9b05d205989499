"""AsyncSSH's own SFTP server, as the user whom the settings name. See python-sftp.ts."""

import asyncio
import json
import logging
import os

import asyncssh

settings = json.loads(os.environ["SFTP_SERVER"])
user = settings["user"]
logging.basicConfig(level=logging.INFO)


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == (user["name"], user["password"])


async def main():
    host_key = asyncssh.read_private_key(settings["hostKey"])
    os.setgroups([])
    os.setgid(user["gid"])
    os.setuid(user["uid"])
    os.umask(0o022)
    server = await asyncssh.listen(
        settings["host"],
        settings["port"],
        server_factory=Server,
        server_host_keys=[host_key],
        sftp_factory=True,
    )
    await server.wait_closed()


asyncio.run(main())

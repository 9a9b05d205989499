"""Moves many small files in one FTPS session. curl waits a second before each data connection after its first download.

Reads one JSON object: port, user, password, certificate, direction ("up" or "down"), names, local and remote (folders).
"""

import ftplib
import json
import socket
import ssl
import sys


class Session(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        # As curl and most clients do; or close_notify waits 40 ms for the acknowledgement of the data.
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The data connection continues the TLS session of the control connection.
        return self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session), size


job = json.load(sys.stdin)
ftp = Session(context=ssl.create_default_context(cafile=job["certificate"]))
ftp.connect("127.0.0.1", job["port"])
ftp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
ftp.login(job["user"], job["password"])
ftp.prot_p()
ftp.cwd(job["remote"])
ftp.voidcmd("TYPE I")
# storbinary and retrbinary send TYPE each time, which the files do not need.
ftp.voidcmd = lambda cmd: "" if cmd == "TYPE I" else ftplib.FTP.voidcmd(ftp, cmd)
for name in job["names"]:
    path = f"{job['local']}/{name}"
    if job["direction"] == "up":
        with open(path, "rb") as file:
            ftp.storbinary(f"STOR {name}", file)
    else:
        with open(path, "wb") as file:
            ftp.retrbinary(f"RETR {name}", file.write)
ftp.quit()

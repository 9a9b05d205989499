"""Starts downloads and reads nothing of them. Reads one JSON object from its argument's file: port, user, password,
certificate, count, path. Says "streams: N" when all of them have begun, and keeps them until it is ended."""

import ftplib
import json
import signal
import ssl
import sys


class Session(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session), size


with open(sys.argv[1], encoding="utf-8") as file:
    job = json.load(file)
context = ssl.create_default_context(cafile=job["certificate"])
streams = []
for _ in range(job["count"]):
    ftp = Session(context=context)
    ftp.connect("127.0.0.1", job["port"], timeout=60)
    ftp.login(job["user"], job["password"])
    ftp.prot_p()
    ftp.voidcmd("TYPE I")
    streams.append((ftp, ftp.transfercmd(f"RETR {job['path']}")))
print(f"streams: {len(streams)}", flush=True)
signal.pause()

"""Reads nothing, many times, and wants TLS to say that this is all: an end without close_notify is an error here.

Reads one JSON object: site (client.ts), count, lines (commands). Writes {"ended": n, "errors": [...]}.
"""

import ftplib
import json
import socket
import ssl
import sys

request = json.load(sys.stdin)
site = request["site"]


class Session(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(conn, server_hostname=self.host, suppress_ragged_eofs=False), size


context = ssl.create_default_context(cafile=site["certificate"])
version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[site["tls"]]
context.minimum_version = context.maximum_version = version
ftp = Session(context=context)
ftp.connect(site["host"], site["port"])
ftp.login(site["user"], site["password"])
ftp.prot_p()
ftp.voidcmd("TYPE I")
ended, errors = 0, []
for i in range(request["count"]):
    for line in request["lines"]:
        data = ftp.transfercmd(line)
        try:
            received = data.recv(1)
            if received:
                errors.append(f"{line}: {received!r}")
            else:
                ended += 1
        except OSError as error:
            errors.append(f"{line}: {error}")
        data.close()
        ftp.voidresp()
ftp.quit()
json.dump({"ended": ended, "errors": errors}, sys.stdout)

"""Passes one control connection on, and every ABOR in it as urgent data, which Node cannot send.

Usage: urgent-relay.py PORT MANNER; prints the port that it listens on. It ends with the connection.
"""

import select
import socket
import sys

target, manner = int(sys.argv[1]), sys.argv[2]
line = b"ABOR\r\n"
# What is sent as urgent data, of which TCP takes the last byte out of line, and what follows inline.
manners = {
    # Python's ftplib: the LF is the urgent byte.
    "ftplib": (line, b""),
    # lftp: the Telnet mark DM is the urgent byte.
    "lftp": (b"\xff\xf4\xff\xf2", line),
    # ftp of the BSDs, tnftp, inetutils: the IAC before DM is the urgent byte.
    "bsd": (b"\xff\xf4\xff", b"\xf2" + line),
}
urgent, inline = manners[manner]

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
client, _ = listener.accept()
server = socket.create_connection(("127.0.0.1", target))
server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
other = {client: server, server: client}
while True:
    for source in select.select([client, server], [], [])[0]:
        chunk = source.recv(65536)
        if chunk == b"":
            sys.exit()
        if source is client and chunk.endswith(line):
            server.sendall(chunk[: -len(line)])
            server.send(urgent, socket.MSG_OOB)
            server.sendall(inline)
        else:
            other[source].sendall(chunk)

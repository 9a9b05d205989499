"""A TLS client that ends its connections in ways that no TLS library offers.

Reads one JSON object per line: host, port, version ("TLSv1.2" or "TLSv1.3"), size (bytes to send), ending:
  close_notify  close_notify, then close
  fin           close without close_notify
  mid-record    close in the middle of the last TLS record
  rst           TCP reset after the data
  notify-rst    close_notify, then TCP reset
  read          send nothing; read to the end instead, and tell how it ended
All but the last read nothing after the handshake, so what the server sends stays unread.
Answers each line with {"sent": n}, or {"received": n, "end": "close_notify" | "fin" | "reset"}.
"""

import json
import socket
import ssl
import struct
import sys


def handshake(sock, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version.replace(".", "_"))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    while True:
        try:
            tls.do_handshake()
            return tls, incoming, outgoing
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            received = sock.recv(65536)
            if not received:
                raise ConnectionError("closed during the handshake")
            incoming.write(received)


def read_to_end(sock, tls, incoming):
    received = 0
    while True:
        try:
            got = tls.read(65536)
            if not got:
                return received, "close_notify"
            received += len(got)
        except ssl.SSLZeroReturnError:
            return received, "close_notify"
        except ssl.SSLEOFError:
            return received, "fin"
        except ssl.SSLWantReadError:
            try:
                raw = sock.recv(65536)
            except ConnectionResetError:
                return received, "reset"
            if raw:
                incoming.write(raw)
            else:
                incoming.write_eof()


def run(case):
    sock = socket.create_connection((case["host"], case["port"]))
    # Or a reset would take along what Nagle's algorithm holds back.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tls, incoming, outgoing = handshake(sock, case["version"])
    if case["ending"] == "read":
        sock.sendall(outgoing.read())
        received, end = read_to_end(sock, tls, incoming)
        sock.close()
        return {"received": received, "end": end}
    sent = 0
    while sent < case["size"]:
        sock.sendall(outgoing.read())
        sent += tls.write(b"x" * min(16384, case["size"] - sent))
    ending = case["ending"]
    if ending in ("close_notify", "notify-rst"):
        try:
            tls.unwrap()
        except ssl.SSLWantReadError:
            pass
    last = outgoing.read()
    sock.sendall(last[: len(last) // 2] if ending == "mid-record" else last)
    if ending in ("rst", "notify-rst"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return {"sent": sent}


for line in sys.stdin:
    try:
        answer = run(json.loads(line))
    except OSError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)

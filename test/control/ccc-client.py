"""Says CCC and goes on in the clear: ccc-client.py PORT TLS-VERSION none|together|pieces. Prints the replies."""
import socket
import ssl
import sys

port, version, ending = int(sys.argv[1]), sys.argv[2], sys.argv[3]
raw = socket.create_connection(("127.0.0.1", port), timeout=30)
raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def clear(line=None):
    if line:
        raw.sendall(line)
    got = b""
    while not got.endswith(b"\r\n"):
        chunk = raw.recv(1000)
        if not chunk:
            raise EOFError(got)
        got += chunk
    return got.decode().strip()


clear()
clear(b"AUTH TLS\r\n")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(incoming, outgoing)


def pump(step):
    while True:
        try:
            result = step()
        except ssl.SSLWantReadError:
            result = None
        if outgoing.pending:
            raw.sendall(outgoing.read())
        if result is not None:
            return result
        incoming.write(raw.recv(20000))


def secured(line):
    tls.write(line)
    return pump(lambda: tls.read(1000)).decode().strip()


pump(lambda: tls.do_handshake() or True)
for line in (b"USER test\r\n", b"PASS secret\r\n", b"PBSZ 0\r\n", b"PROT P\r\n"):
    secured(line)
print(secured(b"CCC\r\n"))

# The close_notify of the gateway: the end of the stream, as OpenSSL sees it.
try:
    pump(lambda: tls.read(1000) or True)
    print("close_notify")
except ssl.SSLZeroReturnError:
    print("close_notify")
if ending != "none":
    try:
        tls.unwrap()
    except ssl.SSLError:
        pass
notify = outgoing.read()
first = b"PWD\r\n"
if ending == "pieces":
    for byte in notify + first:
        raw.sendall(bytes([byte]))
    print(clear())
else:
    print(clear(notify + first))
for line in (b"PROT C\r\n", b"PBSZ 0\r\n", b"AUTH TLS\r\n", b"CCC\r\n", b"REIN\r\n", b"HELP REIN\r\n", b"EPSV\r\n", b"QUIT\r\n"):
    print(clear(line))
print(repr(raw.recv(10)))

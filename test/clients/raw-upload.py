"""Uploads files in ways that no library allows: it reads nothing on the data connection, and ends it as it is told.

The request is JSON on standard input: a site (client.ts) and uploads of {local, remote, ending, allo}; the answer is a list
of {mark, final} on standard output, the replies to each STOR. Endings:
  close_notify  as TLS wants it, then the socket is closed with whatever was received unread in it
  fin           a bare FIN, no close_notify
  rst           a TCP reset, when the machine of the gateway has every byte
  mid_record    a FIN in the middle of a TLS record behind the content
  mid_content   a FIN in the middle of the last TLS record of the content
  mid_notify    a FIN in place of the last byte of close_notify
  then_clear    close_notify, 10 kB behind it in the clear, a FIN
  then_record   close_notify, a whole record of application data behind it (of no key), a FIN
"""

import fcntl
import json
import re
import socket
import ssl
import struct
import sys
import termios
import time

request = json.load(sys.stdin)
site = request['site']

context = ssl.create_default_context(cafile=site['certificate'])
version = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}[site['tls']]
context.minimum_version = context.maximum_version = version


class Control:
    def __init__(self):
        self.socket = socket.create_connection((site['host'], site['port']), timeout=30)
        if site['mode'] == 'implicit':
            self.secure()
        self.received = b''
        self.reply()
        if site['mode'] == 'explicit':
            self.command('AUTH TLS')
            self.secure()
        self.command('USER ' + site['user'])
        self.command('PASS ' + site['password'])
        self.command('PBSZ 0')
        self.command('PROT P')
        self.command('TYPE I')

    def secure(self):
        self.socket = context.wrap_socket(self.socket, server_hostname=site['host'])

    def command(self, line):
        self.socket.sendall(line.encode('latin-1') + b'\r\n')
        return self.reply()

    def reply(self):
        while True:
            last = re.search(rb'^\d{3} [^\r\n]*\r\n', self.received, re.MULTILINE)
            if last:
                text = self.received[: last.end()].decode('latin-1').strip()
                self.received = self.received[last.end() :]
                return text
            chunk = self.socket.recv(65536)
            if not chunk:
                raise EOFError('control connection closed')
            self.received += chunk


# Goes out together with close_notify.
behind = {'then_clear': b'x' * 10_000, 'then_record': b'\x17\x03\x03' + struct.pack('>H', 1000) + b'x' * 1000}


class Data:
    """TLS on memory buffers: bytes go to and come from the socket only where it is said."""

    def __init__(self, port):
        self.socket = socket.create_connection((site['host'], port), timeout=30)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=site['host'])

    def handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                return self.flush()
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.socket.recv(65536))

    def flush(self):
        self.socket.sendall(self.outgoing.read())

    def send(self, content):
        for start in range(0, len(content), 65536):
            self.tls.write(content[start : start + 65536])
            self.flush()

    def send_part(self, part):
        self.socket.sendall(self.outgoing.read()[part])

    def notify(self):
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass

    def unsent(self):
        return struct.unpack('i', fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4)))[0]

    def end(self, ending, last):
        if ending == 'close_notify' or ending in behind:
            self.notify()
            self.outgoing.write(behind.get(ending, b''))
            self.flush()
        elif ending == 'mid_notify':
            self.notify()
            self.send_part(slice(-1))
        elif ending == 'mid_record':
            self.tls.write(b'x' * 1000)
            self.send_part(slice(500))
        elif ending == 'mid_content':
            self.tls.write(last)
            self.send_part(slice(5 + len(last) // 2))
        elif ending == 'rst':
            # A reset takes along what was not sent yet, or not acknowledged.
            while self.unsent() > 0:
                time.sleep(0.001)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        if ending == 'fin' or ending in behind or ending.startswith('mid_'):
            # Read on until the server closes, so that this is a FIN and not a reset.
            try:
                self.socket.shutdown(socket.SHUT_WR)
                while self.socket.recv(65536):
                    pass
            except OSError:
                pass
        self.socket.close()


def upload(control, local, remote, ending, allo=None):
    if allo is not None:
        control.command('ALLO %d' % allo)
    port = int(re.search(r'\(\|\|\|(\d+)\|\)', control.command('EPSV')).group(1))
    data = Data(port)
    mark = control.command('STOR ' + remote)
    data.handshake()
    with open(local, 'rb') as file:
        content = file.read()
    held = min(len(content), 16384) if ending == 'mid_content' else 0
    data.send(content[: len(content) - held])
    data.end(ending, content[len(content) - held :])
    return {'mark': mark, 'final': control.reply()}


control = Control()
results = [upload(control, **item) for item in request['uploads']]
control.command('QUIT')
json.dump(results, sys.stdout)

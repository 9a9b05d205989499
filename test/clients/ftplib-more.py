"""What ftplib can beyond the steps of client.ts. The site comes as JSON on standard input; prints what it found as JSON."""

import ftplib
import io
import json
import ssl
import sys

site = json.load(sys.stdin)


def connect():
    if site['mode'] == 'off':
        ftp = ftplib.FTP(timeout=60)
    else:
        context = ssl.create_default_context(cafile=site['certificate'])
        version = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}[site['tls']]
        context.minimum_version = context.maximum_version = version
        ftp = ftplib.FTP_TLS(context=context, timeout=60)
    ftp.connect(site['host'], site['port'])
    ftp.login(site['user'], site['password'])
    if site['mode'] != 'off':
        ftp.prot_p()
    return ftp


def aborted(ftp):
    """Begins a download, reads a little, and calls abort(). Returns the replies up to the one to NOOP."""
    ftp.voidcmd('TYPE I')
    connection = ftp.transfercmd('RETR large')
    connection.recv(1000)
    replies = [ftp.abort()]
    connection.close()
    # On TLS abort() takes one reply of the two; the other is the next to be read.
    ftp.putcmd('NOOP')
    while not replies[-1].startswith('200'):
        replies.append(ftp.getmultiline())
    return [reply[:3] for reply in replies]


ftp = connect()
ftp.storlines('STOR lines', io.BytesIO(b'one\ntwo\r\nthree'))
ftp.storlines('STOR no-lines', io.BytesIO(b''))
lines = []
ftp.retrlines('RETR lines', lines.append)
facts = {name: [facts['type'], facts.get('size')] for name, facts in ftp.mlsd(facts=['type', 'size'])}
replies = aborted(ftp)
after = io.BytesIO()
ftp.retrbinary('RETR lines', after.write)
ftp.quit()
json.dump({'lines': lines, 'facts': facts, 'replies': replies, 'after': after.getvalue().decode()}, sys.stdout)

"""Does the steps of client.ts with Python's ftplib. The request is JSON on standard input, the answer JSON on standard output.

Names are byte strings: each character is one byte, hence encoding='latin-1'; with another encoding they are text.
"""

import ftplib
import json
import socket
import ssl
import sys


class Client(ftplib.FTP_TLS):
    """ftplib knows explicit TLS only, and never resumes a TLS session unless it is taught to."""

    implicit = False
    reuse_session = False

    def connect(self, *args, **kwargs):
        if not self.implicit:
            return super().connect(*args, **kwargs)
        self.host, self.port = args
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.af = plain.family
        self.sock = self.context.wrap_socket(plain, server_hostname=self.host)
        self.file = self.sock.makefile('r', encoding=self.encoding)
        self.welcome = self.getresp()
        return self.welcome

    def ntransfercmd(self, cmd, rest=None):
        if not self.reuse_session:
            return super().ntransfercmd(cmd, rest)
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        session = self.sock.session
        return self.context.wrap_socket(connection, server_hostname=self.host, session=session), size


def perform(ftp, step):
    kind = step['do']
    if kind == 'put':
        with open(step['local'], 'rb') as file:
            ftp.storbinary('STOR ' + step['remote'], file)
    elif kind == 'get':
        with open(step['local'], 'wb') as file:
            ftp.retrbinary('RETR ' + step['remote'], file.write)
    elif kind == 'resume':
        with open(step['local'], 'ab') as file:
            ftp.retrbinary('RETR ' + step['remote'], file.write, rest=file.tell())
    elif kind == 'list':
        names = ftp.nlst(step['directory'])
        return [name.rpartition('/')[2] for name in names]
    elif kind == 'rename':
        ftp.rename(step['from'], step['to'])
    elif kind == 'remove':
        ftp.delete(step['remote'])
    elif kind == 'makeDirectory':
        ftp.mkd(step['directory'])
    elif kind == 'removeDirectory':
        ftp.rmd(step['directory'])
    return None


def plain(encoding):
    return ftplib.FTP(timeout=60, encoding=encoding)


def secure(site, reuse_session, encoding):
    context = ssl.create_default_context(cafile=site['certificate'])
    version = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}[site['tls']]
    context.minimum_version = context.maximum_version = version
    ftp = Client(context=context, timeout=60, encoding=encoding)
    ftp.implicit = site['mode'] == 'implicit'
    ftp.reuse_session = reuse_session
    return ftp


def main():
    request = json.load(sys.stdin)
    site = request['site']
    encoding = request['encoding']
    ftp = plain(encoding) if site['mode'] == 'off' else secure(site, request['reuseSession'], encoding)
    ftp.set_pasv(site['data'] == 'passive')
    ftp.connect(site['host'], site['port'])
    ftp.login(site['user'], site['password'])
    if site['mode'] != 'off':
        ftp.prot_p()
    results = [perform(ftp, step) for step in request['steps']]
    ftp.quit()
    json.dump([result for result in results if result is not None], sys.stdout)


main()

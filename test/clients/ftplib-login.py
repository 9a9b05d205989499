"""Logs in as often as it is told with Python's ftplib, and prints as JSON what a script would see of each try.

The request is JSON on standard input: host, port, certificate, user, password, times.
"""

import ftplib
import json
import ssl
import sys


def attempt(request):
    context = ssl.create_default_context(cafile=request['certificate'])
    ftp = ftplib.FTP_TLS(context=context, timeout=30)
    welcome = ftp.connect(request['host'], request['port'])
    try:
        answer = ftp.login(request['user'], request['password'])
        return {'error': None, 'welcome': welcome, 'text': answer, 'migration': ftp.sendcmd('SITE MIGRATION')}
    except ftplib.all_errors as error:
        return {'error': type(error).__name__, 'text': str(error)}
    finally:
        ftp.close()


request = json.load(sys.stdin)
json.dump([attempt(request) for _ in range(request['times'])], sys.stdout)

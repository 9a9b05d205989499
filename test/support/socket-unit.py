"""A socket unit: keeps a listening socket of 127.0.0.1 open, and gives it to a service that it starts again and again.

Prints its port, and the id of each process; the service is the command in the arguments.
"""
import os
import socket
import subprocess
import sys

unit = socket.create_server(("127.0.0.1", 0))
print("port", unit.getsockname()[1], flush=True)
unit.set_inheritable(True)
os.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES="explicit")
while True:
    service = subprocess.Popen(
        ["/bin/sh", "-c", f'LISTEN_PID=$$ exec "$@" 3<&{unit.fileno()}', "sh", *sys.argv[1:]],
        close_fds=False,
    )
    print("service", service.pid, flush=True)
    service.wait()

"""A service manager's ear: prints each datagram that comes to the socket of its argument, as a line of JSON."""
import json
import socket
import sys

ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(json.dumps(ear.recv(4096).decode().split("\n")), flush=True)

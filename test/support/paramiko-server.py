"""An SFTP server on Paramiko for the files of one user: what Paramiko leaves to its user is done as in its examples.
See python-sftp.ts."""

import json
import logging
import os
import socket
import threading

import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer

settings = json.loads(os.environ["SFTP_SERVER"])
user = settings["user"]
logging.basicConfig(level=logging.INFO)


class Login(paramiko.ServerInterface):
    def get_allowed_auths(self, username):
        return "password"

    def check_auth_password(self, username, password):
        right = (username, password) == (user["name"], user["password"])
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, channel):
        return paramiko.OPEN_SUCCEEDED


def answered(operation):
    """The status of an operation of the file system; its result, where it has one."""

    def run(*arguments):
        try:
            result = operation(*arguments)
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)
        return paramiko.SFTP_OK if result is None else result

    return run


class Handle(SFTPHandle):
    @answered
    def stat(self):
        return SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    @answered
    def chattr(self, attributes):
        SFTPServer.set_file_attr(self.filename, attributes)


class Files(paramiko.SFTPServerInterface):
    def canonicalize(self, path):
        return os.path.normpath(os.path.join(settings["home"], path))

    @answered
    def list_folder(self, path):
        with os.scandir(path) as entries:
            return [SFTPAttributes.from_stat(entry.stat(follow_symlinks=False), entry.name) for entry in entries]

    @answered
    def stat(self, path):
        return SFTPAttributes.from_stat(os.stat(path))

    @answered
    def lstat(self, path):
        return SFTPAttributes.from_stat(os.lstat(path))

    @answered
    def open(self, path, flags, attributes):
        mode = attributes.st_mode if attributes.st_mode is not None else 0o666
        kind = {os.O_WRONLY: "wb", os.O_RDWR: "r+b"}.get(flags & os.O_ACCMODE, "rb")
        file = os.fdopen(os.open(path, flags, mode), kind)
        handle = Handle(flags)
        handle.filename = path
        handle.readfile = handle.writefile = file
        return handle

    @answered
    def remove(self, path):
        os.remove(path)

    @answered
    def rename(self, old, new):
        # Version 3 of SFTP wants it to fail; rename(2) would replace.
        if os.path.lexists(new):
            return paramiko.SFTP_FAILURE
        os.rename(old, new)

    @answered
    def posix_rename(self, old, new):
        os.rename(old, new)

    @answered
    def mkdir(self, path, attributes):
        os.mkdir(path)

    @answered
    def rmdir(self, path):
        os.rmdir(path)

    @answered
    def chattr(self, path, attributes):
        SFTPServer.set_file_attr(path, attributes)

    @answered
    def symlink(self, target, path):
        os.symlink(target, path)

    @answered
    def readlink(self, path):
        return os.readlink(path)


def serve(connection, host_key):
    transport = paramiko.Transport(connection)
    transport.add_server_key(host_key)
    transport.set_subsystem_handler("sftp", SFTPServer, Files)
    try:
        transport.start_server(server=Login())
        transport.join()
    except (EOFError, OSError, paramiko.SSHException) as error:
        logging.info("connection ended: %s", error)
    finally:
        transport.close()


def main():
    host_key = paramiko.Ed25519Key.from_private_key_file(settings["hostKey"])
    os.setgroups([])
    os.setgid(user["gid"])
    os.setuid(user["uid"])
    os.umask(0o022)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings["host"], settings["port"]))
    listener.listen(100)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(connection, host_key), daemon=True).start()


main()

"""Takes empty listings and files, strict about their end: empty-downloads.py PORT TIMES. Prints how many had none, and how many bytes."""
import ftplib
import ssl
import sys


class Strict(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(conn, suppress_ragged_eofs=False), size


port, times = int(sys.argv[1]), int(sys.argv[2])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.minimum_version = ssl.TLSVersion.TLSv1_3
ftp = Strict(context=context)
ftp.connect("127.0.0.1", port, timeout=30)
ftp.login("test", "secret")
ftp.prot_p()
taken = errors = received = 0
for _ in range(times):
    for command in ("LIST /empty", "RETR /nothing"):
        data = ftp.transfercmd(command)
        taken += 1
        try:
            received += len(data.recv(1000))
        except ssl.SSLEOFError:
            errors += 1
        data.close()
        ftp.voidresp()
ftp.quit()
print(f"{taken} taken, {errors} without an end, {received} bytes")

"""Does the steps of program.ts with aioftp."""

import asyncio
import ssl
import sys

import aioftp

host, port, mode, tls, _, user, password, certificate = sys.stdin.readline().rstrip('\n').split('\t')


def secure():
    context = ssl.create_default_context(cafile=certificate)
    version = {'1.2': ssl.TLSVersion.TLSv1_2, '1.3': ssl.TLSVersion.TLSv1_3}[tls]
    context.minimum_version = context.maximum_version = version
    return context


async def perform(ftp, step, *arguments):
    if step == 'put':
        await ftp.upload(arguments[0], arguments[1], write_into=True)
    elif step == 'get':
        await ftp.download(arguments[0], arguments[1], write_into=True)
    elif step == 'list':
        print('\t'.join(['list'] + [str(path) for path, _ in await ftp.list()]))
    elif step == 'rename':
        await ftp.rename(*arguments)
    elif step == 'remove':
        await ftp.remove_file(*arguments)
    elif step == 'makeDirectory':
        await ftp.make_directory(*arguments)
    elif step == 'removeDirectory':
        await ftp.remove_directory(*arguments)


async def main():
    options = {'ssl': secure()} if mode == 'implicit' else {}
    async with aioftp.Client.context(host, int(port), user, password, socket_timeout=60, **options) as ftp:
        for line in sys.stdin:
            await perform(ftp, *line.rstrip('\n').split('\t'))


asyncio.run(main())

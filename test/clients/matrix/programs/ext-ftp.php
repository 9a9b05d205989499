<?php
// Does the steps of program.ts with PHP's FTP extension.

set_error_handler(function ($level, $message) {
    fwrite(STDERR, "$message\n");
    exit(1);
});
$site = explode("\t", rtrim(fgets(STDIN), "\n"));
[$host, $port, $mode, , $data, $user, $password] = $site;
$ftp = $mode === 'explicit' ? ftp_ssl_connect($host, (int) $port, 60) : ftp_connect($host, (int) $port, 60);
ftp_login($ftp, $user, $password);
ftp_pasv($ftp, $data === 'passive');
while (($line = fgets(STDIN)) !== false) {
    $arguments = explode("\t", rtrim($line, "\n"));
    $first = $arguments[1] ?? '';
    $second = $arguments[2] ?? '';
    $done = match ($arguments[0]) {
        'put' => ftp_put($ftp, $second, $first, FTP_BINARY),
        'get' => ftp_get($ftp, $second, $first, FTP_BINARY),
        'list' => print implode("\t", ['list', ...ftp_nlist($ftp, '')]) . "\n",
        'rename' => ftp_rename($ftp, $first, $second),
        'remove' => ftp_delete($ftp, $first),
        'makeDirectory' => ftp_mkdir($ftp, $first),
        'removeDirectory' => ftp_rmdir($ftp, $first),
    };
    if ($done === false) {
        exit(1);
    }
}
ftp_close($ftp);

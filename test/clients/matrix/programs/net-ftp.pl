# Does the steps of program.ts with Perl's Net::FTP.

use strict;
use warnings;
use Net::FTP;

chomp(my $line = <STDIN>);
my ($host, $port, $mode, $tls, $data, $user, $password, $certificate) = split /\t/, $line;
my %secure = (SSL_ca_file => $certificate, SSL_version => $tls eq '1.2' ? 'TLSv1_2' : 'TLSv1_3');
my $ftp = Net::FTP->new(
    $host,
    Port => $port,
    Passive => $data eq 'passive',
    Timeout => 60,
    Debug => 1,
    %secure,
    ($mode eq 'implicit' ? (SSL => 1) : ()),
) or die "no connection: $@";
if ($mode eq 'explicit') { $ftp->starttls or die 'no TLS' }
$ftp->login($user, $password) or die $ftp->message;
$ftp->binary;

my %steps = (
    put => sub { $ftp->put(@_) },
    get => sub { $ftp->get(@_) },
    list => sub { my $names = $ftp->ls or return; print join("\t", 'list', @$names), "\n"; 1 },
    rename => sub { $ftp->rename(@_) },
    remove => sub { $ftp->delete(@_) },
    makeDirectory => sub { $ftp->mkdir(@_) },
    removeDirectory => sub { $ftp->rmdir(@_) },
);
while (my $next = <STDIN>) {
    chomp $next;
    my ($step, @arguments) = split /\t/, $next, -1;
    defined $steps{$step}->(@arguments) or die "$next: " . $ftp->message;
}
$ftp->quit;

# Does the steps of program.ts with Ruby's Net::FTP.

require 'net/ftp'

site = $stdin.readline(chomp: true).split("\t")
host, port, mode, tls, data, user, password, certificate = site
version = { '1.2' => OpenSSL::SSL::TLS1_2_VERSION, '1.3' => OpenSSL::SSL::TLS1_3_VERSION }[tls]
ssl = { ca_file: certificate, min_version: version, max_version: version }
options = { port: port.to_i, username: user, password: password, passive: data == 'passive' }
options[:ssl] = ssl if mode == 'explicit'
Net::FTP.open(host, options) do |ftp|
  $stdin.each_line(chomp: true) do |line|
    step, *arguments = line.split("\t", -1)
    case step
    when 'put' then ftp.putbinaryfile(*arguments)
    when 'get' then ftp.getbinaryfile(*arguments)
    when 'list' then puts ['list', *ftp.nlst].join("\t")
    when 'rename' then ftp.rename(*arguments)
    when 'remove' then ftp.delete(*arguments)
    when 'makeDirectory' then ftp.mkdir(*arguments)
    when 'removeDirectory' then ftp.rmdir(*arguments)
    end
  end
end

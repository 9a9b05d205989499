# Does the steps of program.ts with the ftp package of Tcllib.

package require ftp

# It tells failures by this procedure and by results, and never by errors.
namespace eval ftp {}
proc ftp::DisplayMsg {s message {state ""}} { puts stderr $message }

lassign [split [gets stdin] \t] host port mode tls data user password
set ftp [ftp::Open $host $user $password -port $port -mode $data -timeout 60]
if {$ftp < 0} { exit 1 }
ftp::Type $ftp binary
while {[gets stdin line] >= 0} {
    lassign [split $line \t] step first second
    switch $step {
        put { set done [ftp::Put $ftp $first $second] }
        get { set done [ftp::Get $ftp $first $second] }
        list { puts [join [linsert [ftp::NList $ftp] 0 list] \t]; set done 1 }
        rename { set done [ftp::Rename $ftp $first $second] }
        remove { set done [ftp::Delete $ftp $first] }
        makeDirectory { set done [ftp::MkDir $ftp $first] }
        removeDirectory { set done [ftp::RmDir $ftp $first] }
    }
    if {!$done} { puts stderr "failed: $line"; exit 1 }
}
ftp::Close $ftp

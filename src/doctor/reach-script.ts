import { print, quote, words } from '../shell/quote.ts';

/** Bytes that each side sends after the greeting: several packets of full size, which a link with a smaller MTU would lose. */
const BULK = 16_384;

/** Number of connections that a host makes at once; select(2) takes 1024. */
const AT_ONCE = 200;

/**
 * The listener's name in the list of processes (proc(5), comm: 15 characters). The number of the process that it serves
 * follows, by which one is known that a killed run has left.
 */
export const LISTENER_NAME = 'hapg-dr';

/**
 * Listens on TCP ports of one address, and for VRRP (protocol 112) where asked, until its time is over or the process that
 * it serves has ended. Arguments: the word of this run, that process, seconds, the address, whether to hear VRRP (0 or 1),
 * the ports. Prints `listens PORT` and `taken PORT
 * REASON` for each port and `pid N`; each caller gets the word, then bulk, and `done` after sending as much itself. Only
 * modules of perl-base are used, which is an essential package of Debian and Ubuntu.
 */
const LISTENER = String.raw`use strict; use Socket qw(:DEFAULT :addrinfo); use POSIX (); use Fcntl;
my ($word, $serves, $seconds, $address, $vrrp, @ports) = @ARGV;
$0 = "${LISTENER_NAME} $serves";
my $bulk = "." x ${BULK};
my (%listens, %talks);
for my $port (@ports) {
  my ($bad, $at) = getaddrinfo($address, $port, { socktype => SOCK_STREAM, flags => AI_NUMERICHOST });
  my $s;
  if ($at && socket($s, $at->{family}, SOCK_STREAM, 0) && setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) && bind($s, $at->{addr}) && listen($s, 128)) {
    fcntl($s, F_SETFL, O_NONBLOCK);
    $listens{fileno $s} = $s;
    print "listens $port\n";
  } else { print "taken $port $!\n" }
}
my $raw;
if ($vrrp) {
  my ($bad, $at) = getaddrinfo($address, 0, { socktype => SOCK_STREAM, flags => AI_NUMERICHOST });
  if ($at && socket($raw, $at->{family}, SOCK_RAW, 112)) { print "listens 0\n" } else { print "taken 0 $!\n"; undef $raw }
}
$| = 1;
my $pid = fork;
if (!defined $pid) { print "taken 0 $!\n"; exit }
if ($pid) { print "pid $pid\n"; exit }
POSIX::setsid();
open STDIN, "<", "/dev/null"; open STDOUT, ">", "/dev/null"; open STDERR, ">", "/dev/null";
$SIG{PIPE} = "IGNORE";
alarm $seconds;
while (1) {
  my ($r, $w) = ("", "");
  vec($r, $_, 1) = 1 for keys %listens, keys %talks;
  vec($r, fileno $raw, 1) = 1 if $raw;
  for (keys %talks) { vec($w, $_, 1) = 1 if length $talks{$_}{out} }
  my $found = select($r, $w, undef, 1);
  last if $found < 0 && !$!{EINTR};
  exit unless kill 0, $serves;
  next if $found <= 0;
  for my $fd (keys %listens) {
    next unless vec($r, $fd, 1);
    while (keys %talks < 900 && accept(my $c, $listens{$fd})) {
      fcntl($c, F_SETFL, O_NONBLOCK);
      setsockopt($c, 6, 1, 1);
      syswrite $c, "hapg $word\n";
      $talks{fileno $c} = { socket => $c, out => $bulk, left => ${BULK} };
    }
  }
  for my $fd (keys %talks) {
    my $t = $talks{$fd};
    if (vec($w, $fd, 1)) {
      my $n = syswrite $t->{socket}, $t->{out};
      if ($n) { substr($t->{out}, 0, $n) = "" }
    }
    if (vec($r, $fd, 1)) {
      my $n = sysread $t->{socket}, my $buf, 65536;
      if (!$n) { close $t->{socket}; delete $talks{$fd}; next }
      $t->{left} -= $n;
      $t->{out} .= "done\n" if $t->{left} <= 0 && !$t->{told}++;
    }
  }
  if ($raw && vec($r, fileno $raw, 1)) {
    my $from = recv $raw, my $buf, 2048, 0;
    send $raw, "hapg $word heard", 0, $from if defined $from && index($buf, "hapg $word ask") >= 0;
  }
}`;

/**
 * Makes connections. Arguments: the word of this run, and the seconds for each. Standard input: one way a line, as
 * ADDRESS PORT KIND; kind is `greeted` (the listener above answers), `open` (any service), `vrrp`. Prints one line for
 * each, its number first: `ok`, `refused`, `silent` (nothing came back), `stalled` (small packets arrive, large ones do not),
 * `stranger` (somebody else answers), `other` (another run's listener), `error REASON`.
 */
const CALLER = String.raw`use strict; use Socket qw(:DEFAULT :addrinfo); use POSIX (); use Fcntl;
my ($word, $seconds) = @ARGV;
my $bulk = "." x ${BULK};
my $ticks = POSIX::sysconf(&POSIX::_SC_CLK_TCK) || 100;
sub now { (POSIX::times())[0] / $ticks }
$SIG{PIPE} = "IGNORE";
my @waiting; my $number = 0;
while (<STDIN>) { chomp; my ($address, $port, $kind) = split / /; push @waiting, { number => $number++, address => $address, port => $port, kind => $kind } }
# A name server may be slow, and no connection's time runs meanwhile.
my %found;
for my $way (@waiting) {
  my $key = $way->{kind} eq "vrrp" ? "$way->{address} 0" : "$way->{address} $way->{port}";
  $found{$key} = [getaddrinfo($way->{address}, (split / /, $key)[1], { socktype => SOCK_STREAM })] unless $found{$key};
  $way->{found} = $found{$key};
}
my %busy;
sub ends { my ($way, $how) = @_; print "$way->{number} $how\n"; if ($way->{socket}) { delete $busy{fileno $way->{socket}}; close $way->{socket} } }
sub starts {
  my $way = shift;
  my ($bad, $at) = @{$way->{found}};
  return ends($way, "error $bad") unless $at;
  $way->{until} = now() + $seconds; $way->{at} = $at->{addr}; $way->{in} = ""; $way->{out} = "";
  my $raw = $way->{kind} eq "vrrp";
  socket(my $s, $at->{family}, $raw ? SOCK_RAW : SOCK_STREAM, $raw ? 112 : 0) or return ends($way, "error $!");
  fcntl($s, F_SETFL, O_NONBLOCK);
  $way->{socket} = $s; $busy{fileno $s} = $way;
  return if $raw;
  $way->{opening} = 1;
  connect($s, $at->{addr}) or $!{EINPROGRESS} or failed($way, $! + 0);
}
sub failed { my ($way, $code) = @_; local $! = $code; ends($way, $code == POSIX::ECONNREFUSED() ? "refused" : $code == POSIX::ETIMEDOUT() ? "silent" : "error $!") }
while (@waiting || %busy) {
  starts(shift @waiting) while @waiting && keys %busy < ${AT_ONCE};
  my ($r, $w) = ("", "");
  for my $fd (keys %busy) {
    my $way = $busy{$fd};
    if ($way->{kind} eq "vrrp" && now() >= ($way->{again} || 0)) { send $way->{socket}, "hapg $word ask", 0, $way->{at}; $way->{again} = now() + 0.3 }
    vec($r, $fd, 1) = 1 unless $way->{opening};
    vec($w, $fd, 1) = 1 if $way->{opening} || length $way->{out};
  }
  select($r, $w, undef, 0.1);
  for my $fd (keys %busy) {
    my $way = $busy{$fd} or next;
    if ($way->{opening} && vec($w, $fd, 1)) {
      my $code = unpack "i", getsockopt($way->{socket}, SOL_SOCKET, SO_ERROR);
      if ($code) { failed($way, $code); next }
      $way->{opening} = 0;
      if ($way->{kind} eq "open") { ends($way, "ok"); next }
    } elsif (vec($w, $fd, 1)) {
      my $n = syswrite $way->{socket}, $way->{out};
      substr($way->{out}, 0, $n) = "" if $n;
    }
    if (vec($r, $fd, 1)) {
      my $n = sysread $way->{socket}, my $buf, 65536;
      if ($way->{kind} eq "vrrp") { if ($n && index($buf, "hapg $word heard") >= 0) { ends($way, "ok"); next } }
      elsif (!$n) { ends($way, "stranger"); next }
      else {
        $way->{in} .= $buf;
        if (!$way->{greeted} && $way->{in} =~ /\n/) {
          if (index($way->{in}, "hapg $word\n") != 0) { ends($way, $way->{in} =~ /^hapg [0-9a-f]+\n/ ? "other" : "stranger"); next }
          $way->{greeted} = 1; $way->{out} = $bulk;
        }
        if ($way->{in} =~ /done\n\z/) { ends($way, "ok"); next }
      }
    }
    ends($way, $way->{greeted} ? "stalled" : "silent") if now() > $way->{until};
  }
}`;

/** POSIX sh that ends listeners that killed runs have left. */
const NONE_LEFT = `for p in /proc/[0-9]*; do
  read -r name serves 2>/dev/null < "$p/comm" && [ "$name" = ${LISTENER_NAME} ] && ! kill -0 "$serves" 2>/dev/null &&
    kill "\${p##*/}" 2>/dev/null && sleep 0.2
done`;

/**
 * POSIX sh that starts the listener; it goes on for `seconds` after the script has ended, or as long as the shell lives.
 * Read by `readListener`.
 */
export const listenScript = (
  word: string,
  seconds: number,
  address: string,
  vrrp: boolean,
  ports: readonly number[],
): string =>
  `${NONE_LEFT}
perl -e ${quote(LISTENER)} ${word} "$$" ${words(String(seconds), address, vrrp ? '1' : '0', ...ports.map(String))}`;

/** Reads the listener's answer: the ports that it has, 0 for VRRP, and its process. */
export function readListener(answer: string): { listens: Set<number>; pid: number | undefined } {
  const pid = /^pid (\d+)$/m.exec(answer)?.[1];
  return {
    listens: new Set([...answer.matchAll(/^listens (\d+)$/gm)].map(([, port]) => Number(port))),
    pid: pid === undefined ? undefined : Number(pid),
  };
}

/** POSIX sh that ends the listener. */
export const hangUpScript = (pid: number): string => `kill ${pid} 2>/dev/null || :`;

/** A connection to try. */
export interface Call {
  address: string;
  port: number;
  kind: 'greeted' | 'open' | 'vrrp';
}

/** POSIX sh that tries connections, `seconds` each. Read by `readCalls`. */
export const callScript = (word: string, seconds: number, calls: readonly Call[]): string =>
  `${print(calls.map(({ address, port, kind }) => `${address} ${port} ${kind}\n`).join(''))} | perl -e ${quote(CALLER)} ${words(word, String(seconds))}`;

/** Reads the caller's answer: what became of each call, in their order; undefined where it did not say. */
export function readCalls(answer: string, calls: readonly Call[]): (string | undefined)[] {
  const ends = new Map(
    [...answer.matchAll(/^(\d+) (.+)$/gm)].map(([, number, how]): [number, string] => [Number(number), how!]),
  );
  return calls.map((_call, number) => ends.get(number));
}

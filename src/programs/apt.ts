/**
 * POSIX sh for every use of the package manager: asks nothing, restarts nothing, waits for another one's lock. apt waits
 * for dpkg's by itself, and gives up at once where its own lists or archives are locked (apt 2.6 and 3.0), as the daily
 * timers do.
 */
export const APT = `export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
apt() {
  apt_said=$(mktemp -d); apt_tries=0
  while :; do
    { apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" 2>&1 && echo 0 > "$apt_said/code" || echo $? > "$apt_said/code"; } | tee "$apt_said/out"
    apt_code=$(cat "$apt_said/code"); apt_tries=$((apt_tries + 1))
    [ "$apt_code" != 0 ] && [ $apt_tries -lt 60 ] && grep -qE 'lock (directory )?/var/(lib/apt/lists|cache/apt/archives)' "$apt_said/out" || break
    sleep 5
  done
  rm -r "$apt_said"
  return "$apt_code"
}`;

/**
 * POSIX sh that mends what an interrupted dpkg has left. Only a lock is waited for: a package whose own scripts fail is
 * left to what comes next, which may bring a version that does not.
 */
export const MEND_DPKG = `for i in $(seq 60); do
  out=$(dpkg --configure -a 2>&1) && break
  case "$out" in *lock*) sleep 5 ;; *) printf '%s\\n' "$out"; break ;; esac
done`;

/** Options of an installation: configuration files that were changed stay. */
export const KEEP_CONFIG = '-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold';

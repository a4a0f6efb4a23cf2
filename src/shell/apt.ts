/** POSIX sh for every use of the package manager: asks nothing, restarts nothing, waits for another one's lock. */
export const APT = `export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
apt() { apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@"; }`;

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

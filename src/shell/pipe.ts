/**
 * A pipeline of POSIX sh that ends with the status of the first command from the left that failed, as "pipefail" would have
 * it, which dash does not know; 0 when none failed. It is a subshell, so that a condition, an assignment or `set -e` sees the
 * status. Each command is one command or a list, whose last status counts. A command that stops reading early (`head`,
 * `grep -q`) may end the one before it with SIGPIPE, which counts as a failure: end such a pipeline with one that reads on.
 */
export const pipe = (first: string, ...others: readonly string[]): string => others.reduce(pair, first);

/**
 * The status of the left command travels on a descriptor of its own (3), the output of the right one on another (4).
 * The braces keep `$(` in front of it from becoming `$((`, which is arithmetic.
 */
const pair = (left: string, right: string): string => `{ ( exec 4>&1; right=0
left=$( exec 3>&1
{ ( ${left}
) 3>&- 4>&- || echo $? >&3; } | ( ${right}
) >&4 3>&- 4>&- ) || right=$?
exit "\${left:-$right}" ); }`;

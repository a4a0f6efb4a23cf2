/**
 * A POSIX sh pipeline that ends with the status of the first command from the left that failed, 0 when none failed;
 * like "pipefail", which dash does not know. It is a subshell, so that a condition, an assignment or `set -e` sees the
 * status. Each command is one command or a list, whose last status counts. A command that stops reading early (`head`,
 * `grep -q`) may end the one before it with SIGPIPE, which counts as a failure: end such a pipeline with one that reads
 * on.
 */
export const pipe = (first: string, ...others: readonly string[]): string => others.reduce(pair, first);

/**
 * Joins two commands. The status of the left one travels on descriptor 3, the output of the right one on descriptor 4.
 * The braces keep `$(` in front of it from becoming `$((`, which is arithmetic.
 */
const pair = (left: string, right: string): string => `{ ( exec 4>&1; right=0
left=$( exec 3>&1
{ ( ${left}
) 3>&- 4>&- || echo $? >&3; } | ( ${right}
) >&4 3>&- 4>&- ) || right=$?
exit "\${left:-$right}" ); }`;

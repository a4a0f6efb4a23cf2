import { PATHS } from '../paths.ts';
import { CLEAN_ENVIRONMENT } from '../shell/environment.ts';
import { print, quote } from '../shell/quote.ts';

/** First line of `awaitUnit` while the unit is running. */
const RUNNING = '@running';

/**
 * POSIX sh that starts `script` as the transient unit `hapg-NAME`. The unit outlives the connection. The next run waits
 * for an active unit and then runs its own script, which must therefore be repeatable. The script travels on standard
 * input into a root-only file, so that nothing of it shows in an argument list.
 */
export function startUnit(name: string, script: string, timeoutSeconds: number, run: string): string {
  const unit = quote(`hapg-${name}`);
  const base = `${PATHS.units}/${name}`;
  const log = `${PATHS.log}/${name}.log`;
  return `umask 077
mkdir -p ${PATHS.units} ${PATHS.log}
while systemctl -q is-active ${unit}; do sleep 1; echo; done
rm -f ${base}.rc
${print(script)} > ${base}.sh
printf '\\n== %s %s\\n' "$(date -Is)" ${quote(run)} >> ${log}
systemctl reset-failed ${unit} 2>/dev/null
systemd-run -q --unit=${unit} -p Type=exec -p RuntimeMaxSec=${timeoutSeconds} -p StandardOutput=append:${log} -p StandardError=append:${log} ${CLEAN_ENVIRONMENT} /bin/sh -c 'sh ${base}.sh; echo $? > ${base}.rc.new; mv ${base}.rc.new ${base}.rc' || exit 1`;
}

/**
 * POSIX sh that removes the files of ended units whose controller has gone. Expects the host's lock: no other run waits
 * for a result then, except those of `besideCluster`, which take no lock.
 */
export const clearEnded = `for script in ${PATHS.units}/*.sh; do
  unit=\${script##*/}
  [ ! -e "$script" ] || [ "$unit" = drill.sh ] || [ "$unit" = verify.sh ] || systemctl -q is-active "hapg-\${unit%.sh}" || rm -f "$script" "\${script%.sh}.rc"
done`;

/**
 * POSIX sh that waits for the end of a unit, and ends as its script did. It prints an empty line regularly: when the
 * controller is gone, that write ends the shell, and with it the lock. With `look` it waits at most that many seconds,
 * then prints the output of `look.script` for `isRunning`.
 */
export function awaitUnit(name: string, look?: { seconds: number; script: string }): string {
  const base = `${PATHS.units}/${name}`;
  const log = `${PATHS.log}/${name}.log`;
  const bound = look
    ? `\n  [ $n -lt ${look.seconds * 10} ] || { echo ${RUNNING}; ( ${look.script}\n) 2>/dev/null; echo; ${processorTime(name)}; exit 0; }`
    : '';
  return `n=0
while [ ! -e ${base}.rc ]; do
  sleep 0.1
  n=$((n + 1))
  [ $((n % 20)) -ne 0 ] || echo
  if [ $((n % 20)) -eq 0 ] && ! systemctl -q is-active ${quote(`hapg-${name}`)} && [ ! -e ${base}.rc ]; then
    echo "unit hapg-${name} ended without a result; see ${log}"
    exit 1
  fi${bound}
done
rc=$(cat ${base}.rc)
rm -f ${base}.sh ${base}.rc
if [ "$rc" != 0 ]; then tac ${log} | sed '/^== /q' | tac | tail -n 12; exit "$rc"; fi`;
}

/**
 * Reads the answer of `awaitUnit` with a `look`: the output of its script, and a mark of the unit's progress. Undefined
 * when the unit has ended.
 */
export function isRunning(answer: string): { output: string; mark: string } | undefined {
  const text = answer.trimStart();
  if (!text.startsWith(`${RUNNING}\n`)) return undefined;
  const [output = '', time = ''] = text.slice(RUNNING.length + 1).split(`\n${PROCESSOR} `);
  return { output: output.trim(), mark: `${output.trim()} ${time.trim()}`.trim() };
}

/** Prefix of a unit's processor time. */
const PROCESSOR = '@processor';

/**
 * POSIX sh that prints the processor time that a unit has used (whole seconds): work without bytes (checksums) shows
 * there.
 */
const processorTime = (name: string): string =>
  `echo "${PROCESSOR} $(systemctl show -p CPUUsageNSec --value ${quote(`hapg-${name}`)} 2>/dev/null | sed -n 's/^\\([0-9]*\\)[0-9]\\{9\\}$/\\1/p')"`;

/** POSIX sh that stops a stuck unit and removes its files. */
export const stopUnit = (name: string): string => `systemctl stop ${quote(`hapg-${name}`)}
rm -f ${PATHS.units}/${name}.sh ${PATHS.units}/${name}.rc`;

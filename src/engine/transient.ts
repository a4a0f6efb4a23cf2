import { PATHS } from '../paths.ts';
import { CLEAN_ENVIRONMENT } from '../shell/environment.ts';
import { print, quote } from '../shell/quote.ts';

/** What `awaitUnit` prints first when the unit is still at work. */
const RUNNING = '@running';

/**
 * POSIX sh that starts `script` as the transient unit `hapg-NAME`. The unit outlives the connection; a next run that finds
 * it active waits for it and then runs its own script, which must therefore be repeatable. The script travels on standard
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
 * POSIX sh that clears away what units left that ended when no controller waited for them any more. Whoever has just taken
 * the host's lock may: nobody else waits for a result then, but a drill, which takes no lock.
 */
export const clearEnded = `for script in ${PATHS.units}/*.sh; do
  unit=\${script##*/}
  [ ! -e "$script" ] || [ "$unit" = drill.sh ] || systemctl -q is-active "hapg-\${unit%.sh}" || rm -f "$script" "\${script%.sh}.rc"
done`;

/**
 * POSIX sh that waits for the end of a unit that was started, and ends as its script did. Waiting writes an empty line now
 * and then: when the controller is gone, that ends the shell, and with it the lock. With `look` it waits no longer than so
 * many seconds; `isRunning` tells that it did, and what `look.script` printed then.
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

/** Reads the answer of `awaitUnit` with a `look`: what the look printed, and a mark of how far the unit is; undefined when it has ended. */
export function isRunning(answer: string): { output: string; mark: string } | undefined {
  const text = answer.trimStart();
  if (!text.startsWith(`${RUNNING}\n`)) return undefined;
  const [output = '', time = ''] = text.slice(RUNNING.length + 1).split(`\n${PROCESSOR} `);
  return { output: output.trim(), mark: `${output.trim()} ${time.trim()}`.trim() };
}

/** What stands before the processor time of a unit. */
const PROCESSOR = '@processor';

/** POSIX sh that prints the whole seconds of processor time that a unit has used: work without bytes (checksums) shows there. */
const processorTime = (name: string): string =>
  `echo "${PROCESSOR} $(systemctl show -p CPUUsageNSec --value ${quote(`hapg-${name}`)} 2>/dev/null | sed -n 's/^\\([0-9]*\\)[0-9]\\{9\\}$/\\1/p')"`;

/** POSIX sh that ends a unit that is stuck, and leaves nothing of it for the next run. */
export const stopUnit = (name: string): string => `systemctl stop ${quote(`hapg-${name}`)}
rm -f ${PATHS.units}/${name}.sh ${PATHS.units}/${name}.rc`;

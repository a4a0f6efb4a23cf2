import { accepts, asPostgres, POSTGRES, psql, type Server } from '../programs/postgres.ts';
import { print, quote } from '../shell/quote.ts';

/** Where a member's PostgreSQL is found. */
export interface MemberPlace extends Server {
  dataDir: string;
}

/**
 * Lines of pg_hba.conf that PostgreSQL cannot read, one JSON object a row. Such a line has no type; `error` is null for
 * some of them, and is also set for lines that were read but cannot match as things are ("hostssl record cannot match
 * because SSL is disabled"), see hba.c and hbafuncs.c. Nothing is judged where the server reads another file.
 */
const UNREADABLE_RULES = (dataDir: string): string =>
  `select json_build_object('line', line_number, 'error', error, 'text', split_part(pg_read_file(current_setting('hba_file')), chr(10), line_number)) from pg_hba_file_rules where type is null and current_setting('hba_file') = '${dataDir}/pg_hba.conf' order by line_number limit 5`;

/** What starts every script: the member's files, and whether its postmaster lives, with its process in `$pid`. */
const prologue = ({ dataDir, ...server }: MemberPlace): string => `data=${quote(dataDir)}
hba=$data/pg_hba.conf auto=$data/postgresql.auto.conf
alive() { { read -r pid < "$data/postmaster.pid" && read -r comm < "/proc/$pid/comm"; } 2>/dev/null && [ "$comm" = postgres ]; }
rules() { timeout 10 ${psql(server, 'postgres', '-c', UNREADABLE_RULES(dataDir))} 2>&1; }
complaints() { timeout 10 ${asPostgres(`${server.binDir}/postgres`, '-D', dataDir, '-c', 'lc_messages=C', '-C', 'data_directory')} 2>&1; }`;

/**
 * POSIX sh that reads a member's pg_hba.conf and postgresql.auto.conf, without a process of its own, and asks PostgreSQL
 * what it cannot read of them: the running server about its rules, the program about its settings when none runs.
 * Prints nothing where there is no data directory of a member yet.
 */
export const readScript = (place: MemberPlace): string => `${prologue(place)}
if [ -e "$hba" ] || alive; then
  echo there
  if [ -e "$hba" ]; then while IFS= read -r line || [ -n "$line" ]; do printf 'hba %s\\n' "$line"; done < "$hba"; fi
  if [ -e "$auto" ]; then while IFS=' 	=' read -r name rest || [ -n "$name" ]; do printf 'altered %s\\n' "$name"; done < "$auto"; fi
  if alive; then echo running; rules; echo "judged $?"; else complaints; echo "complained $?"; fi
fi`;

/** How often a postmaster that has just been started is asked whether it takes connections; half a second to one and a half each. */
const START_TRIES = 40;

/**
 * POSIX sh that puts `hba` into place and takes the named settings, and what PostgreSQL cannot read, out of what ALTER
 * SYSTEM has set. Prints `refused CODE` and PostgreSQL's words when it does not take the rules; the old ones are back then.
 *
 * pg_hba_file_rules shows the file that lies in the place of the server's own, not a candidate (`hba_file` cannot be
 * changed while it runs). So the new file takes that place, is judged, and makes way for the old one again unless every
 * line of it was read; a server reads it only when it is told to, or starts, and keeps its rules when it cannot.
 *
 * A server that lets nobody in, because somebody changed its rules, is told to read the new ones before it is asked.
 * One that takes no connections yet, or does not run, cannot be asked; Patroni writes the same rules whenever it starts
 * it (`Postgresql.start`, 3.0.2 and 4.0.7). Its postgresql.auto.conf is edited, which is allowed then (PostgreSQL,
 * "Parameter Interaction via the Configuration File"); a copy is left beside it.
 */
export const writeScript = (
  place: MemberPlace,
  hba: readonly string[],
  resets: readonly string[],
): string => `${prologue(place)}
umask 077
next=$hba.hapg-new kept=$hba.hapg-kept aside=$auto.hapg-aside-$(date +%s)
accepts() { ${accepts(place)}; }
back() { if [ -e "$kept" ]; then mv -fT "$kept" "$hba"; else rm -f "$hba"; fi; }
strip() {
  sed -E "$1" "$auto" > "$auto.hapg-new" || exit 1
  if cmp -s "$auto" "$auto.hapg-new"; then rm -f "$auto.hapg-new"; return 1; fi
  [ -e "$aside" ] || cp -p "$auto" "$aside" || exit 1
  chown --reference="$auto" "$auto.hapg-new" && chmod --reference="$auto" "$auto.hapg-new" && mv -fT "$auto.hapg-new" "$auto" || exit 1
}
n=0; while alive && ! accepts && [ $n -lt ${START_TRIES} ]; do n=$((n + 1)); sleep 0.5; done
${print(fileOf(hba))} > "$next" && chown ${POSTGRES.owner}:${POSTGRES.group} "$next" || exit 1
[ ! -d "$hba" ] || mv -T "$hba" "$hba.hapg-aside-$(date +%s)" || exit 1
if alive && accepts; then
  rm -f "$kept"
  [ ! -e "$hba" ] || ln "$hba" "$kept" || exit 1
  trap back EXIT; trap 'exit 1' HUP INT TERM
  mv -fT "$next" "$hba" || exit 1
  told= said=$(rules); code=$?
  if [ $code = 2 ]; then
    told=yes; kill -HUP "$pid"
    n=0; while [ $code = 2 ] && [ $n -lt 20 ]; do n=$((n + 1)); sleep 0.25; said=$(rules); code=$?; done
  fi
  if [ $code != 0 ] || [ -n "$said" ]; then
    trap - EXIT; back; [ -z "$told" ] || kill -HUP "$pid"
    printf 'refused %s\\n%s\\n' $code "$said"; exit 0
  fi
  trap - EXIT; rm -f "$kept"
  kill -HUP "$pid" || exit 1
  ${resets.length > 0 ? `${psql(place, 'postgres', ...resets.flatMap((name) => ['-c', `alter system reset ${name}`]), '-c', 'select pg_reload_conf()')} > /dev/null || exit 1` : ':'}
else
  mv -fT "$next" "$hba" || exit 1
  if [ -e "$auto" ]; then
    ${resets.length > 0 ? `strip ${quote(`/^[[:space:]]*(${resets.map((name) => name.replaceAll('.', '\\.')).join('|')})[[:space:]=]/Id`)}` : ':'}
    n=0; while [ $n -lt 5 ] && ! alive && bad=$(complaints | sed -nE ${quote(DELETE_COMPLAINTS)}) && [ -n "$bad" ] && strip "$bad"; do n=$((n + 1)); done
  fi
  if alive; then kill -HUP "$pid"; fi
fi
exit 0`;

/** PostgreSQL's complaint about a line of postgresql.auto.conf, or about the value of a setting. */
export const COMPLAINT = {
  line: '.*postgresql\\.auto\\.conf" line ([0-9]+).*',
  name: '.* parameter "([A-Za-z_][A-Za-z0-9_.]*)".*',
} as const;

/** sed: makes of each complaint the command that deletes what it is about. */
const DELETE_COMPLAINTS = `s|${COMPLAINT.line}|\\1d|p; t
s|${COMPLAINT.name}|/^[[:space:]]*\\1[[:space:]=]/Id|p`;

/** As Patroni writes it, so that either finds the other's work as its own (config.py, `ConfigWriter`). */
const fileOf = (hba: readonly string[]): string =>
  `# Do not edit this file manually!\n# It will be overwritten by Patroni!\n${hba.join('\n')}\n`;

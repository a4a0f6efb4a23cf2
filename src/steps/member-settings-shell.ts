import { accepts, asPostgres, POSTGRES, psql, type Server } from '../programs/postgres.ts';
import { print, quote } from '../shell/quote.ts';

/** The place of a member's PostgreSQL. */
export interface MemberPlace extends Server {
  dataDir: string;
}

/**
 * SQL for lines of pg_hba.conf that PostgreSQL cannot read, one JSON object a row. Such a line has no type. `error` is
 * null for some of them, and is also set for valid lines that cannot match at present ("hostssl record cannot match
 * because SSL is disabled"), see hba.c and hbafuncs.c. No rows when the server reads another file.
 */
const UNREADABLE_RULES = (dataDir: string): string =>
  `select json_build_object('line', line_number, 'error', error, 'text', split_part(pg_read_file(current_setting('hba_file')), chr(10), line_number)) from pg_hba_file_rules where type is null and current_setting('hba_file') = '${dataDir}/pg_hba.conf' order by line_number limit 5`;

/** The beginning of every script: the member's files, and whether its postmaster runs, with its process in `$pid`. */
const prologue = ({ dataDir, ...server }: MemberPlace): string => `data=${quote(dataDir)}
hba=$data/pg_hba.conf auto=$data/postgresql.auto.conf
alive() { { read -r pid < "$data/postmaster.pid" && read -r comm < "/proc/$pid/comm"; } 2>/dev/null && [ "$comm" = postgres ]; }
rules() { timeout 10 ${psql(server, 'postgres', '-c', UNREADABLE_RULES(dataDir))} 2>&1; }
complaints() { timeout 10 ${asPostgres(`${server.binDir}/postgres`, '-D', dataDir, '-c', 'lc_messages=C', '-C', 'data_directory')} 2>&1; }`;

/**
 * POSIX sh that reads a member's pg_hba.conf and postgresql.auto.conf without starting a process, and asks PostgreSQL
 * for errors in them: the running server for its rules, the program for its settings when no server runs. Prints
 * nothing without a member's data directory.
 */
export const readScript = (place: MemberPlace): string => `${prologue(place)}
if [ -e "$hba" ] || alive; then
  echo there
  if [ -e "$hba" ]; then while IFS= read -r line || [ -n "$line" ]; do printf 'hba %s\\n' "$line"; done < "$hba"; fi
  if [ -e "$auto" ]; then while IFS=' 	=' read -r name rest || [ -n "$name" ]; do printf 'altered %s\\n' "$name"; done < "$auto"; fi
  if alive; then echo running; rules; echo "judged $?"; else complaints; echo "complained $?"; fi
fi`;

/** How often a postmaster that was just started is asked whether it accepts connections; half a second to one and a half each. */
const START_TRIES = 40;

/**
 * POSIX sh that puts `hba` into place and removes the named settings, and those that PostgreSQL cannot read, from what
 * ALTER SYSTEM has set. Prints `refused CODE` and PostgreSQL's message when it rejects the rules; the old ones are back
 * then.
 *
 * pg_hba_file_rules shows only the server's own file, not a candidate (`hba_file` cannot be changed while it runs). The
 * new file therefore takes that place, is judged, and is replaced by the old one unless every line of it was read. A
 * server reads it only on a reload or a start, and keeps its rules when it cannot.
 *
 * A server whose changed rules let nobody in is reloaded with the new ones before it is asked. One that accepts no
 * connections yet, or does not run, cannot be asked; Patroni writes the same rules whenever it starts it
 * (`Postgresql.start`, 3.0.2 and 4.0.7). Its postgresql.auto.conf is edited, which is allowed then (PostgreSQL,
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

/** sed script that turns each complaint into the command that deletes its line or setting. */
const DELETE_COMPLAINTS = `s|${COMPLAINT.line}|\\1d|p; t
s|${COMPLAINT.name}|/^[[:space:]]*\\1[[:space:]=]/Id|p`;

/** Formats the file as Patroni does, so that each accepts the other's file as its own (config.py, `ConfigWriter`). */
const fileOf = (hba: readonly string[]): string =>
  `# Do not edit this file manually!\n# It will be overwritten by Patroni!\n${hba.join('\n')}\n`;

import { createHash } from 'node:crypto';
import { PATHS } from '../paths.ts';
import type { RoleName } from '../roles.ts';
import { Secret } from '../secret.ts';
import { comparePlainFile, compareSecretFile } from '../secrets/compare.ts';
import { concealInMessage } from '../secrets/suspect.ts';
import type { Comparison } from '../secrets/syntax/lines.ts';
import { SecretText } from '../secrets/text.ts';
import { print, quote, words } from '../shell/quote.ts';
import { type Difference, type Kind, type Step, type StepOptions, step } from './step.ts';

export interface FileWant {
  path: string;
  /** The content; undefined: the file must not exist. A diff shows a SecretText without its secrets, and nothing of a plain Secret. */
  content: string | Secret | undefined;
  owner: string;
  group: string;
  /** The mode (octal), such as `0644`. */
  mode: string;
  /** A command that checks the new file before it takes its place; `{}` stands for its path. */
  check?: string | undefined;
  /** Whether a file that must not exist stays where its first line does not mark it as hapg's. */
  ifMarked?: boolean | undefined;
  /** Whether the file is only written when absent; later differences stay. */
  once?: boolean | undefined;
  /** A condition of sh that hapg did not write the present file; `{}` stands for its path. Default: see `foreign`. */
  foreign?: string | undefined;
}

export interface FileState {
  type: 'absent' | 'file' | 'directory' | 'link' | 'other';
  owner: string;
  group: string;
  mode: string;
  sha256: string;
  /** The content of a small file that differs. It may hold anybody's secrets, so only the output of `compare.ts` is shown. */
  content?: Secret | undefined;
  /** Whether it is not hapg's: its first line lacks the mark that the wanted one has. */
  foreign?: boolean | undefined;
}

const ABSENT: FileState = { type: 'absent', owner: '', group: '', mode: '', sha256: '' };
const MAX_DIFF_BYTES = 65_536;

const text = (content: string | Secret): string => (content instanceof Secret ? content.reveal() : content);
const hash = (content: string | Secret): string => createHash('sha256').update(text(content)).digest('hex');

/** Returns what may be shown of a new file. */
const redacted = (content: string | Secret): string =>
  content instanceof Secret ? content.redacted() : concealInMessage(content);

/** Returns what may be shown of a file with another content; undefined when nothing may be, or it is too large. */
function compared(wanted: string | Secret, { content }: FileState): Comparison | undefined {
  if (content === undefined) return undefined;
  return wanted instanceof Secret
    ? compareSecretFile(content.reveal(), wanted)
    : comparePlainFile(content.reveal(), wanted);
}

/** Whether the whole content is a secret, of which nothing may be shown. */
const isClosed = (content: string | Secret | undefined): boolean =>
  content instanceof Secret && !(content instanceof SecretText && content.form);

/** Returns why a difference is not shown. */
const withheld = (content: string | Secret): string =>
  content instanceof Secret ? ' (secret)' : ` (more than ${MAX_DIFF_BYTES} bytes)`;

/** A line of sh that makes systemd read a unit's file again, or notice that it is gone; empty for other files. */
const reloadFor = ({ path }: FileWant): string =>
  path.startsWith('/etc/systemd/system/') ? '\nsystemctl daemon-reload' : '';

/** File type bits of st_mode (inode(7)). */
const TYPES = new Map<number, FileState['type']>([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'link'],
]);

/** POSIX sh that prints the state of any number of paths with one `stat`, in lines `hexmode|owner|group|path`. */
export const statScript = (paths: readonly string[]): string =>
  `stat -c '%f|%U|%G|%n' -- ${words(...paths)} 2>/dev/null`;

/** Reads one line of `statScript`. */
export function parseStat(line: string): { path: string; state: FileState } {
  const [raw = '', owner = '', group = '', ...rest] = line.split('|');
  const bits = Number.parseInt(raw, 16);
  const mode = (bits & 0o7777).toString(8).padStart(4, '0');
  return {
    path: rest.join('|'),
    state: { type: TYPES.get(bits & 0o170000) ?? 'other', owner, group, mode, sha256: '' },
  };
}

/** Where a guarded file is kept until the change of it has proved harmless. */
const saved = (path: string): string => quote(`${PATHS.loginUndo}/${path.replaceAll('/', '_')}`);

/** Whether the first line marks a file as hapg's; files that are hapg's by name or place need no mark. */
const isMarked = ({ path, content, ifMarked }: FileWant): boolean =>
  content === undefined ? ifMarked === true : !/hapg[^/]*$/.test(path) && /^[^\n]*hapg/.test(text(content));

/**
 * POSIX sh that keeps a copy of a foreign file before it is replaced for the first time: one without the mark that the
 * wanted one has, or according to the step's `foreign`.
 */
function keepForeign(want: FileWant): string {
  const path = quote(want.path);
  const copy = quote(`${want.path}.hapg-before`);
  const foreign =
    want.foreign ?? (want.content !== undefined && isMarked(want) ? '! head -n 1 {} | grep -q hapg' : undefined);
  return foreign === undefined
    ? ''
    : `if [ -f ${path} ] && [ ! -e ${copy} ] && ${foreign.replaceAll('{}', path)}; then cp -a ${path} ${copy}; fi`;
}

/** A file's owner, group, mode and content. */
const fileKind: Kind<FileWant, FileState> = {
  name: 'file',
  contained: true,
  probe(steps) {
    const paths = steps.map((one) => one.want.path);
    const open = steps.filter((one) => !isClosed(one.want.content));
    const wanted = open.map(
      (one) => `${one.want.content === undefined ? '-' : hash(one.want.content)}:${one.want.path}`,
    );
    // Small files that differ and may be shown come back in the same round trip, for the diff.
    return `${statScript(paths)}
echo --
open=${quote(` ${open.map((one) => one.want.path).join(' ')} `)}
same=${quote(` ${wanted.join(' ')} `)}
set -f
IFS='
'
for line in $(sha256sum -- ${words(...paths)} 2>/dev/null); do
  sum=\${line%% *} path=\${line#*  } text=
  case "$open" in *" $path "*) case "$same" in *" $sum:$path "*) ;; *)
    [ "$(stat -Lc %s -- "$path")" -le ${MAX_DIFF_BYTES} ] && text=$(base64 -w0 -- "$path") ;;
  esac ;; esac
  echo "$sum|$text|$path"
done
unset IFS
set +f
echo --
for path in ${words(...paths.filter((_path, index) => isMarked(steps[index]!.want)))}; do
  [ -f "$path" ] && [ ! -e "$path.hapg-before" ] || continue
  line=; IFS= read -r line < "$path"
  case "$line" in *hapg*) ;; *) echo "$path" ;; esac
done`;
  },
  parse(answer, steps) {
    const [stats = '', sums = '', foreign = ''] = answer.split(/^--$/m);
    const byPath = new Map<string, FileState>();
    for (const line of stats.split('\n').filter(Boolean)) {
      const { path, state } = parseStat(line);
      byPath.set(path, state);
    }
    for (const line of sums.split('\n').filter(Boolean)) {
      const [sha256 = '', encoded = '', ...rest] = line.split('|');
      const state = byPath.get(rest.join('|'));
      if (!state) continue;
      state.sha256 = sha256;
      if (encoded) state.content = new Secret(Buffer.from(encoded, 'base64').toString('utf8'));
    }
    for (const path of foreign.split('\n').filter(Boolean)) {
      const state = byPath.get(path);
      if (state) state.foreign = true;
    }
    return new Map(steps.map((one) => [one.id, byPath.get(one.want.path) ?? ABSENT]));
  },
  diff({ want }, state): Difference | undefined {
    if (want.content === undefined)
      return state.type === 'absent' || state.foreign
        ? undefined
        : {
            action: 'remove',
            summary: `${state.type} is there`,
            before: state.content && comparePlainFile(state.content.reveal(), '').before,
            after: '',
          };
    if (state.type === 'absent')
      return {
        action: 'create',
        summary: `${want.mode} ${want.owner}:${want.group}${want.content instanceof Secret ? ', secret' : ''}`,
        before: '',
        after: redacted(want.content),
      };
    if (state.type !== 'file')
      return { action: 'update', summary: `a ${state.type} stands where a file belongs; it is moved aside` };
    if (want.once) return undefined;
    const differs = state.sha256 !== hash(want.content);
    const shown = differs ? compared(want.content, state) : undefined;
    const reasons: string[] = [];
    if (differs) reasons.push(`content${shown ? '' : withheld(want.content)}`);
    if (shown && shown.before === shown.after) reasons.push('only comments, layout or what is not shown');
    if (state.owner !== want.owner || state.group !== want.group)
      reasons.push(`owner ${state.owner}:${state.group} → ${want.owner}:${want.group}`);
    if (state.mode !== want.mode) reasons.push(`mode ${state.mode} → ${want.mode}`);
    if (state.foreign && state.sha256 !== hash(want.content))
      reasons.push(`replaces a file that hapg did not write, which is kept as ${want.path}.hapg-before`);
    if (reasons.length === 0) return undefined;
    return { action: 'update', summary: reasons.join(', '), before: shown?.before, after: shown?.after };
  },
  async change({ want }, state, remote) {
    const path = quote(want.path);
    const aside = quote(`${want.path}.hapg-aside-`);
    if (want.content === undefined) {
      await remote.run(
        `${state.type === 'directory' ? `mv -T ${path} ${aside}$(date +%s)` : `rm -f ${path}`}${reloadFor(want)}`,
      );
      return;
    }
    const next = quote(`${want.path}.hapg-new`);
    const check = want.check?.replaceAll('{}', next);
    await remote.run(`set -e
umask 077
${state.type === 'directory' ? `mv -T ${path} ${aside}$(date +%s)` : ''}
trap 'rm -f ${next}' EXIT
${print(text(want.content))} > ${next}
chown ${quote(`${want.owner}:${want.group}`)} ${next}
chmod ${want.mode} ${next}
${check ?? ''}
${keepForeign(want)}
mv -fT ${next} ${path}${reloadFor(want)}`);
  },
  save: ({ want }) => `[ ! -e ${quote(want.path)} ] || cp -a ${quote(want.path)} ${saved(want.path)}`,
  undo({ want }) {
    const copy = saved(want.path);
    return `if [ -e ${copy} ]; then cp -a ${copy} ${quote(want.path)}; else rm -f ${quote(want.path)}; fi`;
  },
};

export type FileOptions = StepOptions &
  Partial<Pick<FileWant, 'owner' | 'group' | 'mode' | 'check' | 'once' | 'foreign'>>;

/** A step: this file with this content. `root:root 0644` by default; a Secret gets 0600. */
export function file(
  role: RoleName,
  path: string,
  content: string | Secret,
  options: FileOptions = {},
): Step<FileWant, FileState> {
  const {
    owner = 'root',
    group = 'root',
    mode = content instanceof Secret ? '0600' : '0644',
    check,
    once,
    foreign,
    ...rest
  } = options;
  return step(fileKind, role, path, { path, content, owner, group, mode, check, once, foreign }, rest);
}

/** A step: no such file; with `ifMarked` only where its first line marks it as hapg's. */
export const noFile = (
  role: RoleName,
  path: string,
  { ifMarked, ...options }: StepOptions & Pick<FileWant, 'ifMarked'> = {},
): Step<FileWant, FileState> =>
  step(fileKind, role, path, { path, content: undefined, owner: '', group: '', mode: '', ifMarked }, options);

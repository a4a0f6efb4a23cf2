import { SETTINGS_S } from '../bounds/postgres.ts';
import { redactHba } from '../inventory/hba-tokens.ts';
import type { RoleName } from '../roles.ts';
import { COMPLAINT, type MemberPlace, readScript, writeScript } from './member-settings-shell.ts';
import { type Kind, type Step, step } from './step.ts';

export interface MemberSettingsWant extends MemberPlace {
  /** The lines of pg_hba.conf. */
  hba: string[];
  /** Settings that the inventory decides, which ALTER SYSTEM must not override. */
  settings: string[];
}

export interface MemberSettingsState {
  /** The non-empty lines of pg_hba.conf. */
  hba: string[];
  /** Settings that ALTER SYSTEM has set on this member. */
  altered: string[];
  /** Whether a postmaster runs; it may still be starting. */
  running: boolean;
  /** PostgreSQL's messages about lines of pg_hba.conf that it cannot read. */
  unreadable: string[];
  /** Lines (`line 3`) and settings of postgresql.auto.conf that PostgreSQL cannot read, so that it does not start. */
  invalid: string[];
}

/** Recovery settings, which a restore writes there and Patroni removes again. */
const RECOVERY = /^(restore_command|recovery_.*|primary_.*|archive_cleanup_command)$/i;

/** Settings that decide who may log in, whatever pg_hba.conf says. */
const OTHER_FILES = ['hba_file', 'ident_file'];

const isOurs = ({ want }: Step<MemberSettingsWant>, name: string): boolean =>
  [...want.settings, ...OTHER_FILES].some((one) => one.toLowerCase() === name.toLowerCase());

const overridden = (one: Step<MemberSettingsWant>, state: MemberSettingsState): string[] =>
  state.altered.filter((name) => isOurs(one, name));

const holdsSomething = (line: string): boolean => !/^\s*(#|$)/.test(line);

/**
 * Files in a member's data directory that were changed by hand: pg_hba.conf, which Patroni writes and does not check
 * again, and postgresql.auto.conf, which overrides all of Patroni's settings. Either can keep PostgreSQL from starting,
 * so they are also repaired when it does not run.
 */
const memberSettingsKind: Kind<MemberSettingsWant, MemberSettingsState | undefined> = {
  name: 'member-settings',
  probe: (steps) => steps.map(({ want }) => readScript(want)).join('\n'),
  parse: (answer, steps) => {
    const state = parseState(answer.split('\n'));
    return new Map(steps.map((one) => [one.id, state]));
  },
  diff(one, state) {
    // There is nothing to compare before the first start, and Patroni writes it correctly.
    if (!state) return undefined;
    const wanted = one.want.hba.filter(holdsSomething);
    const same = state.hba.join('\n') === wanted.join('\n');
    const reasons = [
      ...overridden(one, state).map((name) => `${name} set by ALTER SYSTEM → reset`),
      ...state.invalid
        .filter((what) => !isOurs(one, what))
        .map((what) => `${what} of postgresql.auto.conf, which PostgreSQL cannot read → taken out`),
      ...(same && state.unreadable.length === 0 ? [] : ['pg_hba.conf']),
      ...state.unreadable.map((what) => `PostgreSQL cannot read ${what}`),
    ];
    if (reasons.length === 0) return undefined;
    const shown = (lines: readonly string[]) => `${lines.map(redactHba).join('\n')}\n`;
    return {
      action: 'update',
      summary: reasons.join(', '),
      ...(same ? {} : { before: shown(state.hba), after: shown(wanted) }),
    };
  },
  notes(one, state) {
    const others = (state?.altered ?? []).filter((name) => !isOurs(one, name) && !state!.invalid.includes(name));
    if (others.length === 0) return [];
    return [
      state!.running
        ? `set by ALTER SYSTEM and kept: ${others.join(', ')}`
        : `PostgreSQL does not run; set by ALTER SYSTEM and kept, even if that is why: ${others.join(', ')}`,
    ];
  },
  async change(one, state, remote) {
    const output = await remote.run(writeScript(one.want, one.want.hba, overridden(one, state!)), SETTINGS_S);
    const [, code, words = ''] = /^refused (\d+)\n(.*)$/ms.exec(output) ?? [];
    if (code === undefined) return;
    const found = parseRules(words.split('\n'));
    throw new Error(
      code === '0'
        ? `PostgreSQL cannot read ${found.join('; ')}. The old pg_hba.conf is back, nothing was read anew; mend postgres.hba and run again`
        : `PostgreSQL could not be asked about the new pg_hba.conf, and the old one is back: ${words.trim().split('\n')[0]}`,
    );
  },
};

/** Reads the answer of the probe; undefined without a member's data directory. */
function parseState(lines: readonly string[]): MemberSettingsState | undefined {
  if (!lines.includes('there')) return undefined;
  const of = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const judged = of('judged')[0];
  const said = lines.slice(lines.indexOf('running') + 1).filter((line) => line && !line.startsWith('judged '));
  const altered = [...new Set(of('altered'))].filter(
    (name) => /^[a-z_][a-z0-9_.]*$/i.test(name) && !RECOVERY.test(name),
  );
  return {
    hba: of('hba').filter(holdsSomething),
    altered,
    running: lines.includes('running'),
    // 0: it answered; 1: it could not open the file at all (psql, "Exit Status"); any other status does not concern the
    // file.
    unreadable: judged === '0' ? parseRules(said) : judged === '1' ? [`pg_hba.conf: ${said[0] ?? ''}`] : [],
    invalid: of('complained').length > 0 ? parseComplaints(lines, altered) : [],
  };
}

/** Returns one text a row: the line's number, PostgreSQL's message, and the line. */
const parseRules = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line.startsWith('{'))
    .map((line) => {
      const { line: number, error, text } = JSON.parse(line) as { line: number; error: string | null; text: string };
      return `line ${number} of pg_hba.conf (${error ?? 'it gives no reason: the value of an option, or a RADIUS server whose name does not resolve'}): ${redactHba(text)}`;
    });

/** Reads PostgreSQL's complaints about postgresql.auto.conf, in which the last value of a setting counts. */
function parseComplaints(lines: readonly string[], altered: readonly string[]): string[] {
  const found = lines.map((line) => {
    const number = new RegExp(COMPLAINT.line).exec(line)?.[1];
    const name = new RegExp(COMPLAINT.name).exec(line)?.[1];
    return altered.find((one) => one === name) ?? (number ? `line ${number}` : undefined);
  });
  return [...new Set(found.filter((one) => one !== undefined))];
}

export const memberSettings = (role: RoleName, want: MemberSettingsWant): Step =>
  step(memberSettingsKind, role, 'pg_hba and ALTER SYSTEM', want);

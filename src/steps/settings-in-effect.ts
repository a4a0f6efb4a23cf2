import { type Effective, isInEffect, shownValue } from '../postgres/effective.ts';
import { RECOVERY } from '../postgres/patroni-options.ts';
import { json } from '../programs/json.ts';
import { askRest, printSelf } from '../programs/patroni.ts';
import { hasSocket, type Server, sql } from '../programs/postgres.ts';
import type { RoleName } from '../roles.ts';
import { configPatch, type Json } from './dcs-config.ts';
import { PRESENT_LINES, presentSettings, presentSettingsScript } from './present-settings.ts';
import { type Kind, type Step, step } from './step.ts';

export interface SettingsInEffectWant {
  major: number;
  server: Server;
  /** POSIX sh that sets `$base` and the arguments of curl. */
  rest: string;
  /** All PostgreSQL settings that are declared for this member. */
  settings: Record<string, string | number | boolean>;
  /** Settings that Patroni decides by itself here, whatever is declared. */
  patronis: readonly string[];
  /** The time within which Patroni has read a changed configuration (s). */
  settleSeconds: number;
}

export interface SettingsInEffectState {
  /** Known settings by name; undefined when PostgreSQL does not answer. */
  effective: Record<string, Effective> | undefined;
  /** The settings as Patroni has read them; undefined when unknown. */
  present: Json | undefined;
  /** Whether PostgreSQL must be restarted for a setting. */
  pending: boolean;
}

/** Number of lines of one member: its own view, PostgreSQL's settings, and those that Patroni has read. */
const LINES = 2 + PRESENT_LINES;

/** Settings that PostgreSQL shows for the asking connection, which has none over a Unix socket (`show_tcp_keepalives_idle`). */
const OF_A_CONNECTION = /^tcp_/;

/** Returns one statement with a one-line answer: an array for each name, and only the value for settings that `pg_settings` hides. */
function question(names: readonly string[]): string {
  const list = names.map((name) => `'${name}'`).join(', ');
  return `select jsonb_object_agg(name, coalesce((select jsonb_build_array(s.setting, s.vartype, s.unit, s.context, s.source, s.sourcefile || ':' || s.sourceline, s.pending_restart) from pg_settings s where lower(s.name) = one.name), jsonb_build_array(current_setting(one.name, true)))) from unnest(array[${list}]) one (name)`;
}

const askedOf = ({ settings, patronis }: SettingsInEffectWant): string[] =>
  Object.keys(settings).filter(
    (name) => !RECOVERY.has(name) && !OF_A_CONNECTION.test(name) && !patronis.includes(name),
  );

/** Returns why declared settings are not in effect, one text for each, without those that another step is about to change. */
function missing(
  { want }: Step<SettingsInEffectWant>,
  { effective, present, pending }: SettingsInEffectState,
): string[] {
  if (!effective || !present) return [];
  const foreseen = configPatch(present, want.settings, ['postgresql', 'parameters']);
  return askedOf(want).flatMap((name) => {
    const declared = want.settings[name]!;
    const there = effective[name];
    if (name in foreseen || !there || isInEffect(want.major, name, declared, there)) return [];
    if (there.pendingRestart || (pending && there.context === 'postmaster')) return [];
    return [`${name} is ${shownValue(there)}, and ${declared} is declared`];
  });
}

/**
 * Check that the running PostgreSQL has every declared setting. Patroni drops or bounds a setting with only a line in
 * its log, and files are edited by hand, so a written file is no proof. The change makes Patroni rewrite its files,
 * once.
 */
const settingsInEffectKind: Kind<SettingsInEffectWant, SettingsInEffectState> = {
  name: 'settings-in-effect',
  volatile: true,
  conditional: true,
  probe: (steps) =>
    steps
      .map(
        ({ want }) => `${printSelf(want.rest)}
{ ${hasSocket(want.server)} && timeout 5 ${sql(want.server, question(askedOf(want)))} 2>/dev/null; } || echo
${presentSettingsScript(want.rest)}`,
      )
      .join('\n'),
  parse(answer, steps) {
    const lines = answer.split('\n');
    return new Map(
      steps.map((one, index) => {
        const [self, effective, ...present] = lines.slice(index * LINES, (index + 1) * LINES);
        return [
          one.id,
          {
            pending: json(self)?.pending_restart === true,
            effective: effectiveOf(json<Record<string, unknown[]>>(effective)),
            present: presentSettings(present[0], present[1]),
          },
        ];
      }),
    );
  },
  diff(one, state) {
    const reasons = missing(one, state);
    return reasons.length === 0 ? undefined : { action: 'reload', summary: `not in effect: ${reasons.join('; ')}` };
  },
  notes({ want }, { effective }) {
    const others = askedOf(want).filter((name) => effective?.[name] && ofSession(effective[name]));
    return others.length > 0
      ? [`set for sessions by ALTER ROLE or ALTER DATABASE, and not compared: ${others.join(', ')}`]
      : [];
  },
  async change(one, _state, remote) {
    remote.doing('telling Patroni to write its files anew');
    // On SIGHUP Patroni writes postgresql.conf even when nothing has changed (config.py, reload_config).
    await remote.run(`systemctl reload patroni.service
sleep ${one.want.settleSeconds + 2}
( ${one.want.rest}
case "$(${askRest('patroni')})" in *'"pending_restart": true'*) echo 'a setting waits for a restart now; run hapg apply again, which restarts one member at a time'; exit 1 ;; esac )`);
  },
};

const ofSession = ({ source }: Effective): boolean => /^(database|user|database user|global)$/.test(source);

function effectiveOf(rows: Record<string, unknown[]> | undefined): Record<string, Effective> | undefined {
  return (
    rows &&
    Object.fromEntries(
      Object.entries(rows).map(([name, [value, type, unit, context, source, place, pendingRestart]]) => [
        name,
        {
          value: (value ?? undefined) as string | undefined,
          type: (type ?? 'string') as Effective['type'],
          ...(unit ? { unit: String(unit) } : {}),
          context: String(context ?? ''),
          source: String(source ?? ''),
          place: (place ?? undefined) as string | undefined,
          pendingRestart: pendingRestart === true,
        },
      ]),
    )
  );
}

export const settingsInEffect = (role: RoleName, want: SettingsInEffectWant): Step =>
  step(settingsInEffectKind, role, 'of PostgreSQL', want);

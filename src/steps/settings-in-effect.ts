import { type Effective, isInEffect, shownValue } from '../postgres/effective.ts';
import { RECOVERY } from '../postgres/patroni-options.ts';
import { json } from '../programs/json.ts';
import { askRest, tellSelf } from '../programs/patroni.ts';
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
  /** All settings of PostgreSQL that are declared for this member. */
  settings: Record<string, string | number | boolean>;
  /** Those that Patroni decides by itself here, whatever is declared. */
  patronis: readonly string[];
  /** Within this time Patroni has read a configuration that was changed. */
  settleSeconds: number;
}

export interface SettingsInEffectState {
  /** By name, of those that PostgreSQL knows; undefined where it does not answer. */
  effective: Record<string, Effective> | undefined;
  /** The settings as Patroni has been told them; undefined where that cannot be read. */
  present: Json | undefined;
  /** PostgreSQL must be restarted for a setting. */
  pending: boolean;
}

/** Its own view, what PostgreSQL has, what Patroni has been told. */
const LINES = 2 + PRESENT_LINES;

/** Shown by PostgreSQL for the connection that asks, which over a socket of the file system has none (`show_tcp_keepalives_idle`). */
const OF_A_CONNECTION = /^tcp_/;

/** One statement, answered with one line: an array for each name, and for what `pg_settings` hides the value alone. */
function question(names: readonly string[]): string {
  const list = names.map((name) => `'${name}'`).join(', ');
  return `select jsonb_object_agg(name, coalesce((select jsonb_build_array(s.setting, s.vartype, s.unit, s.context, s.source, s.sourcefile || ':' || s.sourceline, s.pending_restart) from pg_settings s where lower(s.name) = one.name), jsonb_build_array(current_setting(one.name, true)))) from unnest(array[${list}]) one (name)`;
}

const askedOf = ({ settings, patronis }: SettingsInEffectWant): string[] =>
  Object.keys(settings).filter(
    (name) => !RECOVERY.has(name) && !OF_A_CONNECTION.test(name) && !patronis.includes(name),
  );

/** Why a declared setting is not what PostgreSQL has, one text for each; what another step is about to change is none. */
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
 * Every declared setting is what the running PostgreSQL has. Patroni drops or bounds what it does not like with a line in
 * its log, and files are edited by hand: what was written is no proof. Patroni is told to write its files anew, once.
 */
const settingsInEffectKind: Kind<SettingsInEffectWant, SettingsInEffectState> = {
  name: 'settings-in-effect',
  volatile: true,
  conditional: true,
  probe: (steps) =>
    steps
      .map(
        ({ want }) => `${tellSelf(want.rest)}
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
    // On SIGHUP it writes postgresql.conf whether or not something has changed (config.py, reload_config).
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

import { back, restarts } from '../bounds/postgres.ts';
import type { RestartSetting } from '../decisions/restart.ts';
import { shrinking, waitingSettings } from '../decisions/restart.ts';
import { json } from '../programs/json.ts';
import { askRest, printSelf, restartMember } from '../programs/patroni.ts';
import type { RoleName } from '../roles.ts';
import { showSetting } from '../secrets/suspect.ts';
import { configPatch, type Json } from './dcs-config.ts';
import { type HandOver, handOver } from './hand-over.ts';
import { PRESENT_LINES, presentSettings, presentSettingsScript } from './present-settings.ts';
import { type Kind, type Step, step } from './step.ts';

export interface MemberRestartWant extends HandOver {
  /** patronictl's arguments that select the cluster. */
  scope: readonly string[];
  /** All PostgreSQL settings that are declared for this member or for all. */
  parameters: Json;
  /** Settings that take effect only with a restart; empty while PostgreSQL does not answer (pg_settings, context "postmaster"). */
  restartSettings: readonly string[];
  /** The time within which Patroni has read a changed configuration (s). */
  settleSeconds: number;
}

export interface MemberRestartState {
  pending: boolean;
  leader: boolean;
  /** The settings for which it waits; Patroni 4 reports them, older versions do not. */
  waiting: RestartSetting[];
  /** The declared settings as the member has them now; undefined when it has none yet. */
  present: Json | undefined;
}

/** Number of lines that a probe prints for one member: its own view, and the settings that Patroni has read. */
const LINES = 1 + PRESENT_LINES;

/** Returns settings that this run is about to change and that then need a restart. */
const foreseen = ({ parameters, restartSettings }: MemberRestartWant, { present }: MemberRestartState): string[] =>
  present === undefined
    ? []
    : Object.keys(configPatch(present, parameters, ['postgresql', 'parameters'])).filter((name) =>
        restartSettings.includes(name),
      );

const text = (value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : value === true ? 'on' : value === false ? 'off' : String(value);

/** A setting as it may be shown: somebody may have put a password into one. */
const shown = ({ name, from, to }: RestartSetting): RestartSetting => ({
  name,
  from: from === undefined ? undefined : unquoted(showSetting(name, from)),
  to: to === undefined ? undefined : unquoted(showSetting(name, to)),
});

const unquoted = (json: string): string => json.replace(/^"(.*)"$/, '$1');

/**
 * A restart of one member's PostgreSQL that a setting needs. A leader hands over first, so that writes pause only for a
 * switchover. The exception is a shrinking shared-memory setting, which the leader must take before its replicas.
 */
const memberRestartKind: Kind<MemberRestartWant, MemberRestartState> = {
  name: 'restart-pending',
  volatile: true,
  conditional: true,
  probe: (steps) => steps.map(({ want: { rest } }) => `${printSelf(rest)}\n${presentSettingsScript(rest)}`).join('\n'),
  parse(answer, steps) {
    const lines = answer.split('\n');
    return new Map(
      steps.map((one, index) => {
        // A pending restart of an unreachable member cannot be read; another step waits for its readiness.
        const self = json(lines[index * LINES]) ?? {};
        return [
          one.id,
          {
            pending: self.pending_restart === true,
            leader: /^(leader|master|primary)$/.test(String(self.role ?? '')),
            waiting: waitingSettings(self),
            present: presentSettings(lines[index * LINES + 1], lines[index * LINES + 2]),
          },
        ];
      }),
    );
  },
  diff({ want }, state) {
    const settings = foreseen(want, state);
    if (!state.pending && settings.length === 0) return undefined;
    const decreased = shrinking(state.waiting);
    const how = state.leader
      ? decreased.length > 0
        ? `in place, because ${decreased.join(', ')} shrinks`
        : 'after a switchover'
      : 'one member at a time';
    return state.pending
      ? {
          action: 'restart',
          summary: `PostgreSQL restarts for changed settings, ${how}`,
          settings: state.waiting.map(shown),
        }
      : {
          action: 'restart',
          summary: `PostgreSQL restarts for ${settings.join(', ')}, one member at a time`,
          knownAfterApply: true,
          settings: settings.map((name) =>
            shown({ name, from: text(state.present?.[name]), to: text(want.parameters[name]) }),
          ),
        };
  },
  async change({ want }, state, remote) {
    // A reload during PostgreSQL's start can make it start with half a postgresql.conf (inferred from the log of
    // Patroni 4.0.7: archive_mode was off after such a start). Every reload completes within one cycle.
    remote.doing('waiting for reloads to be done');
    await remote.run(`sleep ${want.settleSeconds}`);
    // An expected restart that turns out needless: nothing is restarted, and nobody hands over.
    if (!state.pending) return;
    if (state.leader && shrinking(state.waiting).length === 0) await handOver(want, remote);
    remote.doing('restarting PostgreSQL');
    await remote.run(restartPending(want), restarts(want.sharedBuffers));
  },
};

/**
 * POSIX sh that restarts a member until no restart is pending, and waits for its return each time. Patroni may refuse
 * at first (it is busy, or nothing is pending any more): its answer is the reason reported when a restart stays
 * pending.
 */
export const restartPending = (want: Pick<MemberRestartWant, 'name' | 'scope' | 'rest' | 'sharedBuffers'>): string =>
  `for attempt in 1 2 3; do
  said=$(
${restartMember(want.scope, want.name, '--pending')}
) && said=
  end=$(($(date +%s) + ${back(want.sharedBuffers)}))
  while :; do
    ${want.rest}
    self=$(${askRest('patroni')})
    case "$self" in *'"pending_restart": true'*) ;; *'"state": "running"'*|*'"state": "streaming"'*) break ;; esac
    [ "$(date +%s)" -lt $end ] || { echo "not back within ${back(want.sharedBuffers)} s\${said:+: $said}"; exit 1; }
    sleep 0.5
  done
  # A reload that came in between shows only after a moment.
  sleep 3
  case "$(${askRest('patroni')})" in *'"pending_restart": true'*) ;; *'"state": '*) exit 0 ;; esac
done
echo 'still waits for a restart after three of them'
exit 1`;

export const memberRestart = (role: RoleName, want: MemberRestartWant): Step =>
  step(memberRestartKind, role, want.name, want);

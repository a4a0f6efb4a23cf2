import { back, restarts } from '../bounds/postgres.ts';
import { shrinkingSettings } from '../decisions/restart.ts';
import { json } from '../programs/json.ts';
import { askRest, restartMember, tellSelf } from '../programs/patroni.ts';
import type { RoleName } from '../roles.ts';
import { configPatch, type Json } from './dcs-config.ts';
import { type HandOver, handOver } from './hand-over.ts';
import { PRESENT_LINES, presentSettings, presentSettingsScript } from './present-settings.ts';
import { type Kind, type Step, step } from './step.ts';

export interface MemberRestartWant extends HandOver {
  /** All settings of PostgreSQL that are declared for this member, for itself or for all. */
  parameters: Json;
  /** Settings that take effect with a restart only; empty while PostgreSQL cannot tell (pg_settings, context "postmaster"). */
  restartSettings: readonly string[];
  /** Within this time Patroni has read a configuration that was changed. */
  settleSeconds: number;
}

export interface MemberRestartState {
  pending: boolean;
  leader: boolean;
  /** Settings of which the new value is smaller; Patroni 4 tells, older versions do not. */
  decreased: string[];
  /** The declared settings as the member has them now; undefined where it has none yet. */
  present: Json | undefined;
}

/** What a probe prints of one member: its own view, and the settings that it has been told. */
const LINES = 1 + PRESENT_LINES;

/** Settings that this run is about to change and that then ask for a restart. */
const foreseen = ({ parameters, restartSettings }: MemberRestartWant, { present }: MemberRestartState): string[] =>
  present === undefined
    ? []
    : Object.keys(configPatch(present, parameters, ['postgresql', 'parameters'])).filter((name) =>
        restartSettings.includes(name),
      );

/**
 * PostgreSQL of one member is restarted because a setting asks for it. A leader hands over first, so that writes pause
 * for a switchover only; except when a shared-memory setting shrinks, which the leader must do before its replicas can.
 */
const memberRestartKind: Kind<MemberRestartWant, MemberRestartState> = {
  name: 'restart-pending',
  volatile: true,
  conditional: true,
  probe: (steps) => steps.map(({ want: { rest } }) => `${tellSelf(rest)}\n${presentSettingsScript(rest)}`).join('\n'),
  parse(answer, steps) {
    const lines = answer.split('\n');
    return new Map(
      steps.map((one, index) => {
        // An unreachable member has no pending restart that could be read; its readiness is another step's business.
        const self = json(lines[index * LINES]) ?? {};
        return [
          one.id,
          {
            pending: self.pending_restart === true,
            leader: /^(leader|master|primary)$/.test(String(self.role ?? '')),
            decreased: shrinkingSettings(self),
            present: presentSettings(lines[index * LINES + 1], lines[index * LINES + 2]),
          },
        ];
      }),
    );
  },
  diff({ want }, state) {
    const settings = foreseen(want, state);
    if (!state.pending && settings.length === 0) return undefined;
    const how = state.leader
      ? state.decreased.length > 0
        ? `in place, because ${state.decreased.join(', ')} shrinks`
        : 'after a switchover'
      : 'one member at a time';
    return state.pending
      ? { action: 'restart', summary: `PostgreSQL restarts for changed settings, ${how}` }
      : {
          action: 'restart',
          summary: `PostgreSQL restarts for ${settings.join(', ')}, one member at a time`,
          knownAfterApply: true,
        };
  },
  async change({ want }, state, remote) {
    // A reload that is still on its way while PostgreSQL starts can make it
    // start with half a postgresql.conf (inferred from the log of Patroni 4.0.7: archive_mode was off after such a start).
    // Every reload is done within one cycle.
    remote.doing('waiting for reloads to be done');
    await remote.run(`sleep ${want.settleSeconds}`);
    // What was foreseen and is not so: then nothing is restarted, and nobody hands over.
    if (!state.pending) return;
    if (state.leader && state.decreased.length === 0) await handOver(want, remote);
    remote.doing('restarting PostgreSQL');
    await remote.run(restartPending(want), restarts(want.sharedBuffers));
  },
};

/**
 * POSIX sh that restarts a member until it waits for a restart no more, and comes back each time. Patroni may refuse at first
 * (it is busy, or waits no more): what it said then is the reason where the member does not come to that by itself.
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

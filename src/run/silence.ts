import { LONGEST_SILENCE_S, SILENCE_UNDO_S } from '../bounds/undo.ts';
import { SILENCE } from '../decisions/update.ts';
import type { Operation } from '../engine/operation.ts';
import { KnownError } from '../errors.ts';
import { hostsWith } from '../inventory/model.ts';
import { alertsAreSent, endSilences, silence } from '../programs/alertmanager.ts';

/**
 * Silences the alerts that this run's own work would cause, until the operation's undos are run. A run that dies ends them
 * too, for its heartbeats end. Where nobody is told of alerts nothing is done; a silence that cannot be set is noted, and
 * the work goes on. `why` names the run for whoever looks at the silence.
 */
export async function silenceAlerts(op: Operation, why: string): Promise<void> {
  const { cluster, session } = op;
  const host = hostsWith(cluster, 'monitoring')[0];
  // A run over some hosts does not log in to another one for this.
  if (!host || op.isUnreachable(host) || !session.isOpen(host)) return;
  const { port } = cluster.settings.monitoring.alertmanager;
  try {
    if ((await op.ask(host, SILENCE, alertsAreSent)).trim() === '') return;
    await op.armUndo(host, SILENCE, endSilences(port, cluster.name), SILENCE_UNDO_S);
    await op.ask(host, SILENCE, silence(port, cluster.name, why, LONGEST_SILENCE_S));
  } catch (cause) {
    if (!(cause instanceof KnownError)) throw cause;
    session.options.emit({
      type: 'note',
      text: `${host.name}: the alerts of this work are not silenced (${cause.message})`,
    });
  }
}

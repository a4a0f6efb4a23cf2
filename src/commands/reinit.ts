import { inspectHost } from '../../playbooks/inspect-host.ts';
import { reinit } from '../../playbooks/reinit.ts';
import { mayReinit } from '../decisions/growth.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

/**
 * `hapg reinit`: rebuilds one replica from the repository or the leader. Its present data is moved aside, not deleted.
 */
export const reinitCommand = (name: string, options: OperateOptions): Promise<number> =>
  operate('reinit', { ...options, named: [{ how: name, name, role: 'patroni' }] }, async (op, snapshot) => {
    const { cluster } = op;
    const host = op.host(name);
    const prospect = await inspectHost(op, snapshot, host);
    refuseUnless(mayReinit(cluster, snapshot, host, prospect));
    const stamp = new Date().toISOString().replace(/[-:]|\.\d+Z$/g, '');
    const kept = prospect.storage.places.map(({ path }) => `${path}.replaced-${stamp}`).join(' and ');
    return {
      explain: `${name} is rebuilt; ${kept ? `its present data is kept as ${kept}` : 'it has no data to keep'}`,
      question: `Rebuild ${name}?`,
      hosts: [host],
      run: () => reinit(op, host, prospect.databaseBytes, stamp),
    };
  });

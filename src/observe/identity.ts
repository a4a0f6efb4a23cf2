import { PATHS } from '../paths.ts';
import { showFile } from '../programs/files.ts';
import { json } from '../programs/json.ts';
import type { Question } from './question.ts';

/** Who a host says it belongs to; `/etc/hapg/cluster.json`. */
export interface Identity {
  cluster: string;
  uuid: string;
  /** Raised when the inventory changes. */
  generation: number;
  /** Raised by every change of the secret store; absent where an older hapg wrote this, which counts as 0. */
  revision?: number;
  /** The random name of that revision: two copies of the store that were changed apart give it two names. */
  revision_id?: string;
  authorities: Record<string, string>;
  /** What keeps who leads; absent: etcd of the cluster's own. */
  dcs?: string;
  /** The settings that stay as they are as long as the cluster lives; absent where an older hapg wrote this. */
  fixed?: Record<string, string | number>;
}

/** Who the host says it belongs to; a file of another shape says nothing, and the next apply writes it anew. */
export const identity: Question<Identity | undefined> = {
  about: 'host',
  of: () => true,
  script: () => showFile(PATHS.identity),
  read(answer) {
    const one = json<Partial<Identity> | null>(answer);
    const isWhole =
      typeof one?.cluster === 'string' &&
      typeof one.uuid === 'string' &&
      typeof one.generation === 'number' &&
      typeof one.authorities === 'object' &&
      one.authorities !== null;
    return isWhole ? (one as Identity) : undefined;
  },
};

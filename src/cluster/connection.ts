import type { Cluster } from '../inventory/model.ts';
import type { ConnectRole } from './connect-choices.ts';

/** Where and how a client connects; every format is written from it. */
export interface Connection {
  role: ConnectRole;
  endpoints: readonly { host: string; port: number }[];
  database: string;
  user: string;
  /** The file with the CA certificate, on the client. */
  authority: string;
  /** Whether a balancer chooses the member; without one the client does. */
  balanced: boolean;
  /** Whether the client's libpq takes the replicas in random order; libpq 16 and newer know how. */
  spread: boolean;
  timing: Cluster['timing']['client'];
}

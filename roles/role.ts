import type { Cluster, Host } from '../src/inventory/model.ts';
import type { Context } from '../src/playbook.ts';
import type { Rule } from '../src/steps/firewall.ts';
import type { Step } from '../src/steps/step.ts';

/**
 * A role's contribution to a host that has it. Work for all roles (packages, certificates, the firewall) asks each role
 * for its part. Facts that are the same for every cluster are in the table of src/roles.ts.
 */
export interface Role {
  packages?(host: Host, context: Context): readonly string[];
  /** The oldest versions of packages that the role works with. */
  minimum?: Readonly<Record<string, string>>;
  /** Steps before the packages. They share a stage with guarded changes, whose undo waits for a login, so none may take long. */
  prepare?(host: Host, context: Context): Step[];
  /** Steps that need the packages and nothing else of the cluster. */
  services?(host: Host, context: Context): Step[];
  /** Steps for keys and certificates, before the services that use them. */
  certificates?(host: Host, context: Context): Step[];
  /** Who may reach this role's ports on a host that has it; nothing else is let in. */
  traffic?(host: Host, cluster: Cluster): Rule[];
}

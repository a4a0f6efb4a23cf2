import type { Cluster, Host } from '../src/inventory/model.ts';
import type { Context } from '../src/playbook.ts';
import type { Rule } from '../src/steps/firewall.ts';
import type { Step } from '../src/steps/step.ts';

/**
 * What a role brings to a host that has it. Whoever does something for all roles (packages, certificates, the firewall)
 * asks each role for its part; what is the same for every cluster is in the table of src/roles.ts.
 */
export interface Role {
  packages?(host: Host, context: Context): readonly string[];
  /** The oldest version of a package that the role works with. */
  minimum?: Readonly<Record<string, string>>;
  /**
   * What packages must find when they are installed. It shares its stage with guarded changes, whose undo waits for a login:
   * nothing here takes long.
   */
  prepare?(host: Host, context: Context): Step[];
  /** What needs the packages and nothing else of the cluster. */
  services?(host: Host, context: Context): Step[];
  /** Keys and certificates, before anything that shows them. */
  certificates?(host: Host, context: Context): Step[];
  /** Who may reach this role's ports on a host that has it; nothing else is let in. */
  traffic?(host: Host, cluster: Cluster): Rule[];
}

import { type Cluster, dcsRole } from '../../src/inventory/model.ts';

const own = (cluster: Cluster): string[] => ['patroni', dcsRole(cluster) ?? [], 'hapg'].flat();

/**
 * Returns auditd rules that record who changed accounts, privileges, time, and the cluster's own configuration. No rule
 * is there twice: auditctl ends at one that exists.
 */
export const auditRules = (cluster: Cluster): string => `# Managed by hapg
-w /etc/passwd -p wa -k accounts
-w /etc/shadow -p wa -k accounts
-w /etc/group -p wa -k accounts
-w /etc/sudoers -p wa -k privileges
-w /etc/sudoers.d -p wa -k privileges
-w /etc/ssh/sshd_config -p wa -k sshd
-w /etc/ssh/sshd_config.d -p wa -k sshd
-w /etc/localtime -p wa -k time
${own(cluster)
  .map((name) => `-w /etc/${name} -p wa -k ${cluster.name}\n`)
  .join('')}`;

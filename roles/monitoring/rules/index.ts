import { stringify } from 'yaml';
import type { Cluster } from '../../../src/inventory/model.ts';
import { PLANNED_LABEL } from '../../../src/programs/alertmanager.ts';
import { backupRules } from './backups.ts';
import { balancerRules } from './balancers.ts';
import { dcsRules } from './dcs.ts';
import { hostRules } from './hosts.ts';
import { memberRules } from './members.ts';
import { replicationRules } from './replication.ts';
import { type AlertRule, ruleContext } from './rule.ts';

/** Rules by the name of their group. */
export type RuleGroups = Readonly<Record<string, AlertRule[]>>;

/**
 * Returns the alerts of a cluster by subject: those of what its inventory has, with thresholds from it. One that waits at all
 * waits until everything was looked at twice: what was seen on one host before a change is old until then.
 */
export function alertRules(cluster: Cluster): RuleGroups {
  const context = ruleContext(cluster);
  const groups = {
    members: memberRules(context),
    replication: replicationRules(context),
    backups: backupRules(context),
    balancers: balancerRules(context),
    dcs: dcsRules(context),
    hosts: hostRules(context),
  };
  const paced = (rule: AlertRule): AlertRule => ({
    ...rule,
    for: rule.for === 0 ? 0 : Math.max(rule.for, context.twoLooks),
  });
  return Object.fromEntries(
    Object.entries(groups).flatMap(([name, rules]) => (rules.length > 0 ? [[name, rules.map(paced)]] : [])),
  );
}

/** Where an alert is explained. */
export const alertHelp = (alert: string): string => `docs/alerts.md#${alert.toLowerCase()}`;

/** Returns the rules as Prometheus reads them (Prometheus, "Alerting rules"). */
export function rulesYaml(cluster: Cluster): string {
  const groups = Object.entries(alertRules(cluster)).map(([name, rules]) => ({
    name: `hapg ${cluster.name} ${name}`,
    rules: rules.map((rule) => ({
      alert: rule.alert,
      expr: rule.expr,
      ...(rule.for > 0 ? { for: `${rule.for}s` } : {}),
      labels: {
        severity: rule.severity,
        ...(rule.planned ? { [PLANNED_LABEL.name]: PLANNED_LABEL.value } : {}),
        // Alerts about a cluster as a whole, and those without a series, would have none.
        cluster: cluster.name,
      },
      annotations: { summary: rule.summary, run: rule.run, help: alertHelp(rule.alert) },
    })),
  }));
  return `# Managed by hapg.\n${stringify({ groups }, { lineWidth: 0 })}`;
}

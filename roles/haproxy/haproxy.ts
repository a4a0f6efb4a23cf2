import { LOOPBACK_PORTS } from '../../src/inventory/exporters.ts';
import { type Host, hostsWith, memberPort, monitored } from '../../src/inventory/model.ts';
import { isIPv6 } from '../../src/inventory/network.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { HAPROXY_SOCKET, isUp, SHOW_STATE } from '../../src/programs/haproxy.ts';
import { render, renderSecret } from '../../src/render.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { ready } from '../../src/steps/ready.ts';
import { reload, type Step } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';

const role = 'haproxy';
const UNIT = 'haproxy.service';

export const haproxyPackages = ['haproxy', 'socat', 'curl'];
export const haproxyMinimum = { haproxy: '2.4' };

/** Backends by port, each with Patroni's health endpoint (Patroni REST API). */
const backends = (lagBytes: number) => [
  { name: 'primary', uri: '/primary', balance: 'first' },
  { name: 'replica', uri: `/replica?lag=${lagBytes}`, balance: 'leastconn' },
  { name: 'sync', uri: '/sync', balance: 'leastconn' },
  { name: 'async', uri: `/async?lag=${lagBytes}`, balance: 'leastconn' },
  { name: 'leader_reads', uri: '/primary', balance: 'first' },
];

/** Steps before the package, so that the installation starts nothing. */
export const haproxyPrepare = (): Step[] => [
  directory(role, '/etc/systemd/system/haproxy.service.d'),
  directory(role, '/etc/haproxy'),
  file(role, '/etc/haproxy/keep-state.sh', render('haproxy/keep-state.sh', { showState: SHOW_STATE })),
  file(role, '/etc/systemd/system/haproxy.service.d/hapg.conf', render('haproxy/haproxy.service', {})),
];

export function haproxy(host: Host, { cluster, secrets, facts }: Context): Step[] {
  const { settings } = cluster;
  const { ports } = settings.haproxy;
  const members = hostsWith(cluster, 'patroni');
  const list = backends(settings.haproxy.replica_lag_bytes);
  const parts = {
    socket: HAPROXY_SOCKET,
    maxconn: settings.haproxy.maxconn,
    timing: cluster.timing.haproxy,
    ports,
    // HAProxy would not start on a kernel without IPv6.
    bind: (port: number) => (facts(host).ipv6 ? `:::${port} v4v6` : `:${port}`),
    metricsPort: monitored(cluster) ? LOOPBACK_PORTS.haproxy : 0,
    statsPassword: secrets.password('stats'),
    proxies: (['primary', 'replica', 'sync', 'async'] as const).map((name) => ({
      name,
      port: ports[name],
      fallback: name === 'replica',
    })),
    backends: list,
    servers: members.map((member) => ({
      name: member.name,
      address: isIPv6(member.address) ? `[${member.address}]` : member.address,
    })),
    memberPort: memberPort(cluster),
    patroniPort: settings.patroni.port,
  };
  const config = renderSecret('haproxy/haproxy.cfg', parts, { syntax: 'haproxy' });
  const again = { notify: [reload(UNIT)] };
  return [
    directory(role, PKI.haproxy),
    file(role, `${PKI.haproxy}/patroni-ca.crt`, secrets.trusted('patroni'), again),
    file(
      role,
      '/etc/haproxy/servers-down.state',
      serversDown(
        list.map(({ name }) => name),
        members,
        memberPort(cluster),
      ),
    ),
    file(role, '/etc/haproxy/haproxy.cfg', config, {
      group: 'haproxy',
      mode: '0640',
      check: 'haproxy -c -q -f {}',
      ...again,
    }),
    unit(role, UNIT),
    ready(role, 'leader behind the primary port', {
      check: isUp('primary'),
      doing: 'waiting for HAProxy to see the leader',
      timeoutSeconds: 60,
    }),
  ];
}

/**
 * Formats a state file for HAProxy (management guide, "show servers state", version 1) with every server stopped and
 * its checks running: be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight time
 * check_status check_result check_health check_state agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port
 * srvrecord use_ssl check_port check_addr agent_addr agent_port.
 */
const serversDown = (names: readonly string[], members: readonly Host[], port: number): string =>
  `1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n${names
    .flatMap((name) =>
      members.map(
        (member, index) =>
          `0 ${name} ${index + 1} ${member.name} ${member.address} 0 0 1 1 0 8 2 0 6 0 0 0 - ${port} - 0 0 - - 0\n`,
      ),
    )
    .join('')}`;

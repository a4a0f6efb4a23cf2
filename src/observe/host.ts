import { upstreamVersion } from '../programs/apt.ts';

/** Facts about a host; read once a run, predicted for packages that are not installed yet. */
export interface Facts {
  distribution: string;
  codename: string;
  cpus: number;
  memoryBytes: number;
  /** `none` on bare metal; `docker`, `lxc`, `kvm`, ... as systemd-detect-virt reports it. */
  virtualization: string;
  container: boolean;
  /** Keys below /proc/sys that this host may set for itself: all, or only net.* in a container, or none. */
  sysctl: 'all' | 'net' | 'none';
  watchdog: boolean;
  /** The kernel's software watchdog: a module that can be loaded, or that is; absent without it, and in a container. */
  softdog?: 'there' | 'loaded' | undefined;
  /** The usual size of a huge page (bytes), and how many the kernel keeps. */
  hugePageBytes: number;
  hugePages: number;
  ipv6: boolean;
  /** What forwards packets for others here, such as `docker0` or `/etc/wireguard/wg0.conf`; absent when nothing does. */
  forwards?: string | undefined;
  /** The package that keeps the clock, where one is installed. */
  timeDaemon?: string | undefined;
  /** Ports on which sshd listens, as sshd itself reports them. */
  sshPorts: number[];
  /** Whether sshd forwards TCP now; `granted`: because hapg allowed it. */
  sshForwards?: 'no' | 'yes' | 'granted' | undefined;
  /** Whether sshd accepts passwords now, and whether it lets root log in at all. */
  sshPasswords?: boolean | undefined;
  sshRoot?: boolean | undefined;
  opensshVersion: string;
  /** The cloud that the host is a machine of, where something depends on it. */
  cloud?: 'azure' | undefined;
  /** Whether a daemon takes the journal's messages (systemd-journald.service(8), /run/systemd/journal/syslog). */
  syslog?: boolean | undefined;
  versions: { patroni: string; pgbackrest: string; etcd: string; haproxy: string };
}

/** The versions that each release ships, for hosts without the package. */
const RELEASES: Record<string, Facts['versions']> = {
  bookworm: { patroni: '3.0.2', pgbackrest: '2.45', etcd: '3.4.23', haproxy: '2.6.12' },
  trixie: { patroni: '4.0.7', pgbackrest: '2.55.1', etcd: '3.5.16', haproxy: '3.0.11' },
  jammy: { patroni: '2.1.3', pgbackrest: '2.37', etcd: '3.3.25', haproxy: '2.4.22' },
  noble: { patroni: '3.2.2', pgbackrest: '2.50', etcd: '3.4.30', haproxy: '2.8.5' },
};

/** Packages that keep the clock, each with its unit, deliberate choices first. Debian installs only one of them (`time-daemon`). */
export const TIME_DAEMONS: Record<string, string> = {
  chrony: 'chrony.service',
  ntpsec: 'ntpsec.service',
  openntpd: 'openntpd.service',
  ntp: 'ntp.service',
  'systemd-timesyncd': 'systemd-timesyncd.service',
};

/** hapg's own part of sshd's configuration. */
export const SSHD_CONFIG = '/etc/ssh/sshd_config.d/10-hapg.conf';

/**
 * POSIX sh that names one thing that forwards packets for others: a bridge, a tunnel or a container network, an
 * installed service of that kind, or a file that turns forwarding on. Starts no process.
 */
export const FORWARDS_SCRIPT = `forwarder() {
  for i in /sys/class/net/*; do
    if [ -d "$i/bridge" ] || [ -e "$i/tun_flags" ]; then echo "forwards=\${i##*/}"; return; fi
    case \${i##*/} in wg*|ppp*|cali*|cilium*|flannel*|kube-*|cni*|docker*|virbr*|lxc*|lxd*|nebula*|ipsec*|vti*|gre*|vxlan*|ovs*|geneve*) echo "forwards=\${i##*/}"; return ;; esac
  done
  for d in /etc/docker /var/lib/docker /var/lib/kubelet /var/lib/rancher /etc/cni/net.d /var/lib/lxd /var/lib/incus /var/lib/libvirt/dnsmasq /etc/wireguard/*.conf /etc/openvpn/*.conf /etc/openvpn/server/*.conf; do
    [ ! -e "$d" ] || { echo "forwards=$d"; return; }
  done
  for f in /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf /etc/ufw/sysctl.conf /etc/nftables.conf /etc/nftables.d/* /etc/systemd/network/*.network /run/systemd/network/*.network; do
    [ -f "$f" ] && [ -r "$f" ] || continue
    while read -r line || [ -n "$line" ]; do
      case "\${line#-}" in
        '#'*|';'*) ;;
        net[./]ipv4[./]ip_forward*=*1|net[./]ipv4[./]conf[./]*[./]forwarding*=*1|IPForward=[y1t]*|IPForward=ipv4|IPv4Forwarding=[y1t]*|IPMasquerade=[y1t]*|IPMasquerade=ipv4|IPMasquerade=both|*masquerade*) echo "forwards=$f"; return ;;
      esac
    done < "$f"
  done
}
forwarder`;

/** POSIX sh that prints the facts, one `key=value` a line. Writes nothing. */
export const FACTS_SCRIPT = `. /etc/os-release
echo "id=$ID"
echo "codename=$VERSION_CODENAME"
while read -r key value; do [ "$key" != Cpus_allowed_list: ] || { echo "allowed=$value"; break; }; done < /proc/self/status
while read -r key value unit; do
  case $key in MemTotal:) echo "memory=$value" ;; HugePages_Total:) echo "hugepages=$value" ;; Hugepagesize:) echo "hugesize=$value"; break ;; esac
done < /proc/meminfo
if [ -r /sys/fs/cgroup/memory.max ]; then read -r value < /sys/fs/cgroup/memory.max; echo "limit=$value"; fi
echo "virt=$(systemd-detect-virt 2>/dev/null)"
if [ -w /proc/sys/vm/swappiness ]; then echo rw=vm; fi
if [ -w /proc/sys/net/ipv4/ip_nonlocal_bind ]; then echo rw=net; fi
if [ -c /dev/watchdog ]; then echo watchdog=yes; fi
if [ -d /sys/module/softdog ]; then echo softdog=loaded; else
  read -r kernel < /proc/sys/kernel/osrelease
  for f in /lib/modules/"$kernel"/kernel/drivers/watchdog/softdog.ko*; do [ ! -e "$f" ] || echo softdog=there; done
fi
if [ -e /proc/net/if_inet6 ]; then echo ipv6=yes; fi
if [ -r /sys/class/dmi/id/chassis_asset_tag ]; then read -r value < /sys/class/dmi/id/chassis_asset_tag && echo "asset=$value"; fi
if [ -S /run/systemd/journal/syslog ]; then echo syslog=yes; fi
${FORWARDS_SCRIPT}
HAPG_SSHD=$(/usr/sbin/sshd -T 2>/dev/null)
printf '%s\\n' "$HAPG_SSHD"
if [ -r ${SSHD_CONFIG} ]; then while read -r key value || [ -n "$key" ]; do [ "$key" != AllowTcpForwarding ] || echo "granted=$value"; done < ${SSHD_CONFIG}; fi
dpkg-query -W -f 'version=\${Package} \${Version} \${db:Status-Status}\\n' openssh-server patroni pgbackrest etcd-server haproxy ${Object.keys(TIME_DAEMONS).join(' ')} 2>/dev/null`;

/** Keywords of `sshd -T`, by the facts that they give. */
const SSHD_WORDS: Record<string, string> = {
  port: 'sshport',
  allowtcpforwarding: 'sshforwards',
  passwordauthentication: 'sshpasswords',
  permitrootlogin: 'sshroot',
};

/** Counts the processors of a list such as `0-3,8` (proc(5), Cpus_allowed_list), as nproc(1) does. */
const countCpus = (list: string): number =>
  list
    .split(',')
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = Number.NaN, last = first]) => sum + (last - first + 1), 0);

/** The asset tag of every machine of Azure (cloud-init, DataSourceAzure). */
const AZURE = '7783-7084-3265-9085-8269-3286-77';

/** Reads the answer of FACTS_SCRIPT; throws when it is not understood. */
export function parseFacts(answer: string): Facts {
  const values = new Map<string, string[]>();
  for (const line of answer.split('\n').filter(Boolean)) {
    const sshd = SSHD_WORDS[line.split(' ')[0] ?? ''];
    const [key, value] = sshd
      ? [sshd, line.slice(line.indexOf(' ') + 1)]
      : [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)];
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  const one = (key: string): string => values.get(key)?.[0] ?? '';
  const memoryBytes = Number(one('memory')) * 1024;
  if (!one('id') || !Number.isFinite(memoryBytes) || memoryBytes <= 0)
    throw new Error(`the host's facts are not understood: ${answer.slice(0, 200)}`);
  const limit = Number(one('limit'));
  const installed = new Map(
    (values.get('version') ?? []).flatMap((line): [string, string][] => {
      const [name = '', version = '', status = 'installed'] = line.split(' ');
      return status === 'installed' ? [[name, upstreamVersion(version)]] : [];
    }),
  );
  const shipped = RELEASES[one('codename')] ?? RELEASES.trixie!;
  const writable = values.get('rw') ?? [];
  const virtualization = one('virt') || 'none';
  const container = /^(docker|lxc|lxc-libvirt|podman|systemd-nspawn|container-other|openvz|rkt|wsl|proot|pouch)$/.test(
    virtualization,
  );
  return {
    distribution: one('id'),
    codename: one('codename'),
    cpus: Number(one('cpus')) || countCpus(one('allowed')) || 1,
    memoryBytes: limit > 0 && limit < memoryBytes ? limit : memoryBytes,
    virtualization,
    container,
    sysctl: container ? (writable.includes('net') ? 'net' : 'none') : 'all',
    watchdog: one('watchdog') === 'yes',
    softdog: container ? undefined : (one('softdog') as Facts['softdog']) || undefined,
    hugePageBytes: (Number(one('hugesize')) || 2048) * 1024,
    hugePages: Number(one('hugepages')) || 0,
    ipv6: one('ipv6') === 'yes',
    forwards: one('forwards') || undefined,
    timeDaemon: Object.keys(TIME_DAEMONS).find((name) => installed.has(name)),
    sshForwards: one('granted') === 'yes' ? 'granted' : one('sshforwards') === 'no' ? 'no' : 'yes',
    sshPasswords: one('sshpasswords') === 'yes',
    sshRoot: one('sshroot') !== '' && one('sshroot') !== 'no',
    sshPorts: (values.get('sshport') ?? ['22']).map(Number).sort((a, b) => a - b),
    opensshVersion: (installed.get('openssh-server') ?? '8.0').replace(/p\d+$/, ''),
    cloud: one('asset') === AZURE && !container ? 'azure' : undefined,
    syslog: one('syslog') === 'yes',
    versions: {
      patroni: installed.get('patroni') || shipped.patroni,
      pgbackrest: installed.get('pgbackrest') || shipped.pgbackrest,
      etcd: installed.get('etcd-server') || shipped.etcd,
      haproxy: installed.get('haproxy') || shipped.haproxy,
    },
  };
}

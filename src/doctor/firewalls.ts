import { hostCheck, orElse, warning } from './check.ts';
import type { Way } from './ways.ts';

/** Units of other programs that load firewall rules. */
const OTHERS = ['firewalld', 'nftables', 'netfilter-persistent', 'shorewall', 'ferm', 'csf', 'awall'];

/** Whether ufw filters here now. */
const isUfwOn = (answer: string): boolean => /^ufw on$/m.test(answer);

/** Whether ufw is on here and has no rule of its own that lets this in: what it closes now, an apply opens. */
export const isClosedByUfw = (answer: string, { protocol, port, from }: Way): boolean =>
  isUfwOn(answer) &&
  !['any', '0.0.0.0/0', '::/0', from.address].some((source) =>
    answer.split('\n').includes(`allows ${protocol} ${port || 'any'} ${source}`),
  );

/** No other firewall loads rules beside hapg's. */
export const firewallsCheck = hostCheck(
  'firewall',
  () => `[ ! -r /etc/ufw/ufw.conf ] || while read -r line; do case $line in ENABLED=yes*) echo 'ufw on' ;; esac; done < /etc/ufw/ufw.conf
sed -n 's/^### tuple ### allow \\([^ ]*\\) \\([^ ]*\\) [^ ]* [^ ]* \\([^ ]*\\) in.*/allows \\1 \\2 \\3/p' /etc/ufw/user.rules /etc/ufw/user6.rules 2>/dev/null
for u in ${OTHERS.join(' ')}; do
  [ -e "/lib/systemd/system/$u.service" ] || [ -e "/etc/systemd/system/$u.service" ] || continue
  { systemctl -q is-active "$u" || systemctl -q is-enabled "$u"; } 2>/dev/null && echo "other $u"
done
:`,
  (answer, host) => {
    const others = [...answer.matchAll(/^other (\S+)$/gm)].map(([, unit]) => unit!);
    const manages = host.roles.has('ufw');
    return orElse(
      others.map((unit) =>
        manages
          ? warning(
              `${unit} loads firewall rules of its own, beside ufw that hapg sets up`,
              `"systemctl disable --now ${unit}", or leave the firewall to it: ufw: false`,
            )
          : warning(`${unit} loads firewall rules`, 'its rules must let the connections of docs/security.md through'),
      ),
      isUfwOn(answer) ? 'ufw' : 'none',
    );
  },
);

import { OWN_NAME_S } from '../bounds/doctor.ts';
import { failure, hostCheck, ok, warning } from './check.ts';

/** The host knows its own name at once, as sudo and mail systems ask for it. */
export const nameCheck = hostCheck(
  'name',
  () =>
    `n=$(hostname 2>/dev/null || uname -n); echo "name $n"; timeout ${OWN_NAME_S} getent hosts "$n" >/dev/null 2>&1; echo "code $?"`,
  (answer) => {
    const own = /^name (.*)$/m.exec(answer)?.[1] ?? '';
    const code = Number(/^code (\d+)$/m.exec(answer)?.[1]);
    if (own === '') return [failure('it has no host name', 'hostnamectl set-hostname NAME')];
    if (code === 0) return [ok(own)];
    return [
      warning(
        code === 124
          ? `looking up its own name ${own} takes longer than ${OWN_NAME_S} s`
          : `its own name ${own} cannot be looked up`,
        `add "127.0.1.1 ${own}" to /etc/hosts: sudo looks the name up at every call`,
      ),
    ];
  },
);

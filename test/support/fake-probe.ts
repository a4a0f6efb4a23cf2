const FACTS =
  'id=debian\ncodename=trixie\ncpus=4\nmemory=16777216\nvirt=kvm\nipv6=yes\nsshport=22\nversion=openssh-server 1:10.0p1-7\n';

/** systemd's answer for unknown units: a block for each one. */
const noUnits = (script: string): string =>
  (/^systemctl show -p \S+ -- (.*)$/m.exec(script)?.[1] ?? '')
    .split(' ')
    .map(() => 'LoadState=not-found\nActiveState=inactive\nUnitFileState=')
    .join('\n\n');

/** The answers of an empty host, by section. */
const NOTHING: Record<string, string> = {
  facts: FACTS,
  units: '.',
  dataDirectory: 'absent\n.',
  space: '.',
  repository: '.',
  vipHeld: '.',
  schedule: 'Id=pgbackrest-full.timer\nActiveState=active',
};

/**
 * The answer of a host to a probe: the given sections, and those of an empty host for the rest; undefined for any other
 * script.
 */
export function probed(script: string, sections: Record<string, string> = {}): string | undefined {
  const found = [...script.matchAll(/'([0-9a-f]{24}) (\S+) begin'/g)];
  if (found.length === 0) return undefined;
  const said = (name: string) => sections[name] ?? NOTHING[name] ?? (name === 'kind:unit' ? noUnits(script) : '');
  return found.map(([, nonce, name]) => `\n${nonce} ${name} begin\n${said(name!)}\n${nonce} ${name} end\n`).join('');
}

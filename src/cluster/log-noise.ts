import { quote } from '../shell/quote.ts';

/** Lines of a unit that say only that somebody connected. */
export interface Noise {
  unit: string;
  /** An extended regular expression for the message, as `journalctl -o json` writes it: a quote is `\\"`. */
  message: string;
  why: string;
  /** The message also names the address from which hapg is connected now. */
  fromHere?: true;
}

/** What `hapg logs` leaves out without --all. A line that tells of a failure is never here. */
export const NOISE: readonly Noise[] = [
  {
    unit: 'patroni.service',
    message: 'LOG: +(connection (received|authenticated|authorized|ready)|disconnection):',
    why: 'PostgreSQL notes every client that comes and goes (log_connections, log_disconnections)',
  },
  {
    unit: 'patroni.service',
    message: 'LOG: +incomplete startup packet',
    why: 'a check of the port opens a connection and sends nothing',
  },
  {
    unit: 'patroni.service',
    message: String.raw`\\"(GET|HEAD|OPTIONS) /[^ ]* HTTP/1[.][01]\\" [0-9]+`,
    why: 'HAProxy asks Patroni every second which member leads',
  },
  {
    unit: 'haproxy.service',
    message: 'Connect from .* to |Health check for server [^ ]+ succeeded',
    why: 'a client came, or a check found what it found before',
  },
  {
    unit: 'pgbouncer.service',
    message:
      '(login attempt|SSL established|new connection to server|closing because: (client close request|client unexpected eof|server lifetime over|server idle timeout))',
    why: 'PgBouncer notes every client, and every connection that it renews',
  },
  {
    unit: 'ssh.service',
    message: '(Accepted|Connection|Disconnected|Received disconnect|Starting session|Close session).* ',
    why: 'the sessions of hapg itself',
    fromHere: true,
  },
];

/** POSIX sh that prints lines of `journalctl -o json` but for the noise. */
export function withoutNoise(): string {
  const patterns = NOISE.flatMap(({ unit, message, fromHere }) => {
    const from = `"_SYSTEMD_UNIT":"${unit.replaceAll('.', '[.]')}"`;
    const text = `"MESSAGE":"([^"\\\\]|\\\\.)*(${message})`;
    // The fields of an entry have no order of their own.
    return (
      fromHere ? [`${text}@HERE@.*${from}`, `${from}.*${text}@HERE@`] : [`${text}.*${from}`, `${from}.*${text}`]
    ).map((one) => `-e ${quote(one).replace('@HERE@', `'"$here"' port`)}`);
  });
  // Behind sudo the address is not known; then no session of sshd is left out.
  return `{ here=\${SSH_CONNECTION:-none}; here=\${here%% *}; grep -avE ${patterns.join(' ')}; }`;
}

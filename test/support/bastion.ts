import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { fakeHosts } from './fake-hosts.ts';

/** An address that loses every packet (RFC 5737: for documentation only). */
export const BLACK_HOLE = '192.0.2.1';

/** Port under which the fake hosts' key is known. */
function trust(directory: string, port: number): void {
  const key = readFileSync(join(directory, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  appendFileSync(join(directory, '.hapg', 'pglab', 'known_hosts'), `[127.0.0.1]:${port} ${key}\n`);
}

const listen = (server: Server | ssh2.Server): Promise<number> =>
  new Promise((done) => server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port)));

/**
 * Starts the lab's hosts behind a bastion, all as SSH servers in this process. Like sshd from MaxStartups on, the
 * bastion closes new connections while `maxStartups` logins are in progress. BLACK_HOLE never answers.
 */
export async function behindBastion({ maxStartups = 1, away = [] }: { maxStartups?: number; away?: string[] } = {}) {
  const hosts = await fakeHosts();
  const hostKey = readFileSync(join(hosts.directory, 'host'));
  const links = new Set<ssh2.Connection>();
  const counts = { logins: 0, dropped: 0 };
  let starting = 0;
  const sshd = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) =>
      context.method === 'publickey' ? context.accept() : context.reject(['publickey']),
    );
    client.on('ready', () => {
      starting--;
      counts.logins++;
      links.add(client);
    });
    client.on('close', () => links.delete(client));
    client.on('tcpip', (accept, reject, { destIP, destPort }) => {
      if (destIP === BLACK_HOLE) return;
      const socket = connect(destPort, destIP);
      socket.on('error', () => reject());
      socket.on('connect', () => {
        const channel = accept();
        channel.on('error', () => undefined);
        channel.on('close', () => socket.destroy());
        socket.on('close', () => channel.destroy());
        socket.pipe(channel).pipe(socket);
      });
    });
  });
  const door = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    if (starting >= maxStartups) {
      counts.dropped++;
      socket.destroy();
      return;
    }
    starting++;
    sshd.injectSocket(socket as never);
  });
  const port = await listen(door);
  trust(hosts.directory, port);
  let text = readFileSync(hosts.inventory, 'utf8').replace('user: root', `user: root\n  jump: root@127.0.0.1:${port}`);
  for (const name of away)
    text = text.replace(new RegExp(`(  ${name}: .*ssh: \\{host: )127\\.0\\.0\\.1`), `$1${BLACK_HOLE}`);
  writeFileSync(hosts.inventory, text);
  return {
    inventory: hosts.inventory,
    counts,
    /** Number of open logins to the bastion. */
    open: () => links.size,
    /** Reboots the bastion: all its connections end. */
    cut: () => {
      for (const client of links) client.end();
    },
    /** Closes the bastion's port. */
    shut: () => void door.close(),
    close() {
      door.close();
      for (const client of links) client.end();
      hosts.close();
    },
  };
}

/** A lab host whose sshd closes the first `times` connections before its banner. */
export async function dropping(times: number) {
  const hosts = await fakeHosts();
  const [, own] = / {2}db1: .*port: (\d+)/.exec(readFileSync(hosts.inventory, 'utf8'))!;
  let connections = 0;
  const door = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    if (++connections <= times) return socket.destroy();
    const through = connect(Number(own), '127.0.0.1');
    through.on('error', () => socket.destroy());
    socket.on('close', () => through.destroy());
    through.on('close', () => socket.destroy());
    socket.pipe(through).pipe(socket);
  });
  const port = await listen(door);
  trust(hosts.directory, port);
  writeFileSync(hosts.inventory, readFileSync(hosts.inventory, 'utf8').replace(`port: ${own}}`, `port: ${port}}`));
  return {
    inventory: hosts.inventory,
    connections: () => connections,
    close() {
      door.close();
      hosts.close();
    },
  };
}

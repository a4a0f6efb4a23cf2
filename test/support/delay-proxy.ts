import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Forwards data from one side to the other after `delayMs`, in order. */
function hand(from: Socket, to: Socket, delayMs: number): void {
  from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), delayMs));
  from.on('end', () => setTimeout(() => to.end(), delayMs));
  from.on('error', () => to.destroy());
  from.on('close', () => setTimeout(() => to.destroy(), delayMs));
}

/**
 * Starts a TCP proxy on `address` that forwards to a port of loopback, each way delayed by half of `roundTripMs`.
 * Returns its port and a function that closes it.
 */
export function delayProxy(
  address: string,
  port: number,
  roundTripMs: number,
): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    hand(client, upstream, roundTripMs / 2);
    hand(upstream, client, roundTripMs / 2);
  });
  return new Promise((done, failed) => {
    server.on('error', failed);
    server.listen(0, address, () =>
      done({
        port: (server.address() as AddressInfo).port,
        close: () => {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      }),
    );
  });
}

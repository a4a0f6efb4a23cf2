import { collectScript, figures, LOAD_DIR, type LoadFigures, loadScript, prepareLoad } from '../cluster/client-load.ts';
import { clientUri } from '../cluster/connect.ts';
import { Refused } from '../errors.ts';
import { type Host, hostsWith } from '../inventory/model.ts';
import { print } from '../shell/quote.ts';
import type { Session } from './session.ts';

const TOUCH_MS = 5000;
/** No load runs longer, whatever happens; seconds. */
const MAXIMUM_S = 6 * 3600;

/** `--probe`: a writer and a reader on a client host while a command works. */
export class ClientLoad {
  private constructor(
    private readonly session: Session,
    private readonly host: Host,
    private readonly timer: NodeJS.Timeout,
  ) {}

  /** Starts it. Throws Refused when there is no client host, user or database to do it with. */
  static async start(session: Session): Promise<ClientLoad> {
    const { cluster } = session;
    const host = hostsWith(cluster, 'client')[0];
    if (!host || !clientUri(cluster, 'primary'))
      throw new Refused('--probe needs a host with the role client, and a database with a user in the inventory');
    const remote = session.remote(host, 'probe');
    await remote.run(prepareLoad(cluster), 30);
    // A unit, because it has to go on beside the session's shell; it ends by itself when the controller is gone.
    await remote.run(
      `${print(loadScript(cluster))} > ${LOAD_DIR}/load.sh && systemd-run -q --unit=hapg-load -p RuntimeMaxSec=${MAXIMUM_S} /bin/sh ${LOAD_DIR}/load.sh`,
    );
    const touch = () =>
      session.ask(host, `[ ! -e ${LOAD_DIR}/alive ] || touch ${LOAD_DIR}/alive`, 20).catch(() => undefined);
    return new ClientLoad(session, host, setInterval(touch, TOUCH_MS).unref());
  }

  /** Ends it and tells what the writer and the reader have seen. */
  async stop(): Promise<LoadFigures> {
    clearInterval(this.timer);
    return figures(await this.session.remote(this.host, 'probe').run(collectScript(this.session.cluster), 120));
  }
}

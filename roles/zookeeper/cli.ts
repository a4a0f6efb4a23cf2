import type { Cluster, Host } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { PKI } from '../../src/paths.ts';
import { quote, words } from '../../src/shell/quote.ts';

/** ZooKeeper and what it needs of libzookeeper-java's dependencies; the package brings no start script of its own. */
export const CLASS_PATH = [
  ...['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-simple', 'commons-cli', 'commons-io', 'metrics-core'],
  ...['jackson-annotations', 'jackson-core', 'jackson-databind', 'snappy-java', 'servlet-api'],
  ...['buffer', 'codec', 'common', 'handler', 'resolver', 'transport'].map((part) => `netty-${part}`),
  ...['transport-native-epoll', 'transport-native-unix-common'].map((part) => `netty-${part}`),
  ...['server', 'http', 'io', 'util', 'servlet', 'security', 'util-ajax'].map((part) => `jetty9-${part}`),
]
  .map((jar) => `/usr/share/java/${jar}.jar`)
  .join(':');

/** The name in the certificate of the one who may change members (X509AuthenticationProvider.superUser). */
export const ADMIN = 'hapg-admin';

const clientAddress = (cluster: Cluster, host: Host): string =>
  hostPort(host.address, cluster.settings.zookeeper.client_port);

/**
 * POSIX sh that defines `zk COMMAND...`, ZooKeeper's own client as the administrator of the cluster, connected to one of
 * `hosts`. Each call starts a Java machine, which takes a second. Runs on a host with the role zookeeper. Java would ask for
 * the name of an address and want that in the certificate; without a file of names it goes by the address.
 */
export const zookeeperCli = (cluster: Cluster, hosts: readonly Host[]): string => `pem=$(mktemp -d -p /run)
trap 'rm -rf "$pem"' EXIT
( umask 077; cat ${PKI.zookeeper}/admin.key ${PKI.zookeeper}/admin.crt > "$pem/admin.pem"; cat ${PKI.zookeeper}/ca.crt > "$pem/ca.pem" )
zk() {
  java -Djdk.net.hosts.file=/dev/null -Xmx64m -XX:TieredStopAtLevel=1 -cp ${quote(CLASS_PATH)} -Dorg.slf4j.simpleLogger.defaultLogLevel=off \\
    -Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty -Dzookeeper.client.secure=true \\
    -Dzookeeper.ssl.keyStore.location="$pem/admin.pem" -Dzookeeper.ssl.trustStore.location="$pem/ca.pem" \\
    org.apache.zookeeper.ZooKeeperMain -server ${words(hosts.map((host) => clientAddress(cluster, host)).join(','))} "$@"
}`;

import { stringify } from 'yaml';
import { MARKER } from './grafana.ts';

/** Where a Prometheus is, as a Grafana that reads these files has it. */
export interface PrometheusAddress {
  /** The name of the data source in Grafana. */
  name: string;
  url: string;
  /** Texts in PEM form, or a variable or file of which Grafana takes them. */
  authority: string;
  certificate: string;
  key: string;
}

const marked = (document: object): string => `# ${MARKER}\n${stringify(document, { lineWidth: 0 })}`;

/** Returns the file that tells Grafana where the boards are. `directory` is that of the boards as Grafana sees it. */
export const boardsProvider = (directory: string): string =>
  marked({
    apiVersion: 1,
    providers: [
      {
        name: 'hapg',
        folder: 'PostgreSQL',
        type: 'file',
        // The files are the boards: what is changed in the browser cannot be saved there.
        allowUiUpdates: false,
        disableDeletion: false,
        updateIntervalSeconds: 30,
        // A dollar is doubled, because Grafana expands variables here.
        options: { path: directory.replaceAll('$', '$$$$') },
      },
    ],
  });

/** Prometheus as variables of Grafana's environment tell it: its URL, and the texts of certificates where it wants them. */
export const FROM_ENVIRONMENT: PrometheusAddress = {
  name: 'hapg',
  url: '${HAPG_PROMETHEUS_URL}',
  authority: '${HAPG_PROMETHEUS_CA}',
  certificate: '${HAPG_PROMETHEUS_CERT}',
  key: '${HAPG_PROMETHEUS_KEY}',
};

/** Where the operator of Grafana puts the certificates of a cluster's Prometheus, below the name of the cluster. */
const CERTIFICATES = '/etc/grafana/hapg';

/**
 * Prometheus on a host of a cluster. Its certificates and key are read by Grafana from files of its own machine; it does not
 * start without them.
 */
export function prometheusOn(at: { cluster: string; address: string; port: number }): PrometheusAddress {
  const file = (name: string): string => `$__file{${CERTIFICATES}/${at.cluster}/${name}}`;
  return {
    name: `hapg ${at.cluster}`,
    url: `https://${at.address.includes(':') ? `[${at.address}]` : at.address}:${at.port}`,
    authority: file('ca.crt'),
    certificate: file('client.crt'),
    key: file('client.key'),
  };
}

/**
 * Returns the file that tells Grafana where Prometheus is. It has no secret: the key stays in a file or in the environment of
 * Grafana, which reads it from there.
 */
export const dataSource = ({ name, url, authority, certificate, key }: PrometheusAddress): string =>
  marked({
    apiVersion: 1,
    datasources: [
      {
        name,
        type: 'prometheus',
        access: 'proxy',
        url,
        editable: false,
        jsonData: {
          httpMethod: 'POST',
          // The interval of the scrapes, of which Grafana makes $__rate_interval.
          timeInterval: '15s',
          tlsAuth: true,
          tlsAuthWithCACert: true,
        },
        secureJsonData: { tlsCACert: authority, tlsClientCert: certificate, tlsClientKey: key },
      },
    ],
  });

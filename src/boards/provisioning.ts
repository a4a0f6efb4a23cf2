import { stringify } from 'yaml';
import { MARKER } from './grafana.ts';

/** Where a Prometheus is, as a Grafana that reads these files has it. */
export interface PrometheusAddress {
  /** The name of the data source in Grafana. */
  name: string;
  url: string;
  /** Texts in PEM form, or variables of which Grafana takes them; undefined: without TLS. */
  tls?: { authority: string; certificate: string; key: string };
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
  tls: {
    authority: '${HAPG_PROMETHEUS_CA}',
    certificate: '${HAPG_PROMETHEUS_CERT}',
    key: '${HAPG_PROMETHEUS_KEY}',
  },
};

/** Prometheus of a cluster as it is seen on its host, where it listens on the loopback address alone. */
export const prometheusOn = (cluster: string, port: number): PrometheusAddress => ({
  name: `hapg ${cluster}`,
  url: `http://127.0.0.1:${port}`,
});

/**
 * Returns the file that tells Grafana where Prometheus is. It has no secret: the key stays in a file or in the environment of
 * Grafana, which reads it from there.
 */
export const dataSource = ({ name, url, tls }: PrometheusAddress): string =>
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
          ...(tls ? { tlsAuth: true, tlsAuthWithCACert: true } : {}),
        },
        ...(tls
          ? { secureJsonData: { tlsCACert: tls.authority, tlsClientCert: tls.certificate, tlsClientKey: tls.key } }
          : {}),
      },
    ],
  });

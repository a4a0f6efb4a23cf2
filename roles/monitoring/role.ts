import type { Role } from '../role.ts';
import { monitoringCertificates, monitoringPrepare } from './monitoring.ts';

export const monitoringRole: Role = {
  packages: () => ['prometheus', 'prometheus-alertmanager', 'openssl'],
  minimum: { prometheus: '2.50', 'prometheus-alertmanager': '0.26' },
  prepare: monitoringPrepare,
  certificates: monitoringCertificates,
};

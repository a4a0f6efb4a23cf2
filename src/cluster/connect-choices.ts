/** Whom a client wants to reach. */
export const CONNECT_ROLES = ['primary', 'replica', 'any'] as const;
export type ConnectRole = (typeof CONNECT_ROLES)[number];

/** The forms in which `hapg connect` prints; apart from what writes them, which the help need not load. */
export const CONNECT_FORMATS = ['uri', 'jdbc', 'env', 'pgpass', 'service', 'k8s-secret'] as const;
export type ConnectFormat = (typeof CONNECT_FORMATS)[number];

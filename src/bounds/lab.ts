/** Bounds starting the Docker engine (s). */
export const ENGINE_S = 30;

/** Bounds the start of a container's sshd (s). */
export const CONTAINER_BOOT_S = 30;

/** Bounds the start of a virtual machine's sshd (s): without KVM three at once took 150 s on two slow cores. */
export const VM_BOOT_S = { kvm: 120, tcg: 900 };

/** Bounds the login of the lab itself (s); without KVM one takes up to eight. */
export const VM_LOGIN_S = 60;

/** Bounds the end of a killed process (s). */
export const KILLED_S = 10;

/** Bounds the greeting of a machine's sshd (ms). */
export const GREETING_MS = 10_000;

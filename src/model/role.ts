/** What a process of orchestra does: the master decides, the worker runs pods in Docker, dns answers by name. `up` is all of them. */
export const roleNames = ["master", "worker", "dns"] as const;
export type RoleName = (typeof roleNames)[number];

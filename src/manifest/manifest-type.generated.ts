// Generated from schemas/deployment.schema.json by `npm run generate`. Do not edit.

/**
 * A Deployment of orchestra: the full form, or the short form of name, image and replicas.
 */
export type Manifest = Deployment | ShortForm;
/**
 * What the Deployment is called, in commands and in DNS: lower-case letters, digits and `-`.
 */
export type Name = string;
export type LabelValue = string;
/**
 * How many pods run. Left out, the file does not own the count: it is 1 at first, and then what `orchestra scale` says.
 */
export type Replicas = number;
/**
 * The container image, as `docker pull` takes it.
 */
export type Image = string;
export type Text = string;
/**
 * The program and its first arguments, instead of the image's entry point. No shell reads it.
 *
 * @maxItems 256
 */
export type Arguments = Text[];
/**
 * Arguments of the entry point, instead of the image's own.
 *
 * @maxItems 256
 */
export type Arguments1 = Text[];
/**
 * The name of one of `spec.ports`, or a number.
 */
export type PortReference = string | number;
/**
 * How long to wait after the start before the first probe.
 */
export type InitialDelaySeconds = number;
/**
 * After this a probe without an answer has failed.
 */
export type TimeoutSeconds = number;
/**
 * So many failures in a row count.
 */
export type FailureThreshold = number;

/**
 * So many identical replicas of one container.
 */
export interface Deployment {
  /**
   * The version of this format.
   */
  apiVersion: "orchestra/v1";
  /**
   * What the document describes.
   */
  kind: "Deployment";
  metadata: Metadata;
  spec: Spec;
}
/**
 * What the Deployment is called, and what people note about it. Nothing of it reaches a container.
 */
export interface Metadata {
  name: Name;
  /**
   * Labels of the Deployment itself, to find it by. Those of the containers are `spec.labels`.
   */
  labels?: {
    [k: string]: LabelValue;
  };
  /**
   * Free text for people.
   */
  annotations?: {
    [k: string]: string;
  };
}
/**
 * What should run.
 */
export interface Spec {
  replicas?: Replicas;
  image: Image;
  /**
   * When to ask the image's registry: before every start, only when the node does not have the image, or not at all.
   */
  imagePullPolicy?: "Always" | "IfNotPresent" | "Never";
  command?: Arguments;
  args?: Arguments1;
  /**
   * The folder inside the container that the program starts in. Absent: the image's own.
   */
  workingDir?: string;
  /**
   * The user (and group) that the program runs as: names or numbers. Absent: the image's own.
   */
  user?: string;
  /**
   * Environment variables. The values are strings: quote numbers, `true`, `false` and dates.
   */
  env?: {
    [k: string]: Text;
  };
  /**
   * Labels of the containers. Names that begin with `orchestra.` are ours.
   */
  labels?: {
    [k: string]: LabelValue;
  };
  /**
   * The ports that the program listens on. Those with a name get an SRV record.
   *
   * @maxItems 64
   */
  ports?: Port[];
  resources?: Resources;
  readiness?: Readiness;
  liveness?: Liveness;
  restart?: Restart;
  stop?: Stop;
  strategy?: Strategy;
  placement?: Placement;
  /**
   * Whether `delete` refuses to touch this Deployment without `--force`.
   */
  protect?: boolean;
}
/**
 * One port of the container.
 */
export interface Port {
  /**
   * For probes, and for the SRV record `_http._tcp.web.cluster.local`.
   */
  name?: string;
  /**
   * What the program listens on.
   */
  containerPort: number;
  /**
   * The protocol.
   */
  protocol?: "TCP" | "UDP";
  /**
   * A port of the node that leads here. Only one pod on a node can have it.
   */
  hostPort?: number;
  /**
   * The address of the node that `hostPort` is opened on. `0.0.0.0`: on all.
   */
  hostIP?: string;
}
/**
 * What the scheduler reserves for each pod, and the container's limits. What is left out is neither reserved nor limited.
 */
export interface Resources {
  /**
   * Cores, or thousandths of a core with `m`; at least `10m`.
   */
  cpu?: string | number;
  /**
   * Bytes, with a suffix of k M G T P E (thousands) or Ki Mi Gi Ti Pi Ei (1024s); at least `6Mi`.
   */
  memory?: string | number;
  /**
   * Processes and threads.
   */
  pids?: number;
}
/**
 * Exactly one of `http`, `tcp` and `exec`: how to tell that a pod is ready. Only ready pods are in DNS, and a rollout waits for them. Left out, the image's own HEALTHCHECK counts, and without one a running pod is ready.
 */
export interface Readiness {
  http?: HTTPProbe;
  tcp?: TCPProbe;
  exec?: ExecProbe;
  initialDelaySeconds?: InitialDelaySeconds;
  /**
   * How often to probe.
   */
  periodSeconds?: number;
  timeoutSeconds?: TimeoutSeconds;
  /**
   * So many successes in a row make the pod ready.
   */
  successThreshold?: number;
  failureThreshold?: FailureThreshold;
}
/**
 * Good when a GET is answered with a status from 200 to 399.
 */
export interface HTTPProbe {
  /**
   * What is asked for.
   */
  path?: string;
  port: PortReference;
  /**
   * Headers of the request.
   */
  headers?: {
    [k: string]: LabelValue;
  };
}
/**
 * Good when the port takes a connection.
 */
export interface TCPProbe {
  port: PortReference;
}
/**
 * Good when a command in the container exits with 0.
 */
export interface ExecProbe {
  /**
   * The program and its arguments. No shell reads it.
   *
   * @minItems 1
   * @maxItems 256
   */
  command: Text[];
}
/**
 * Exactly one of `http`, `tcp` and `exec`: how to tell that a pod hangs. Then it is restarted.
 */
export interface Liveness {
  http?: HTTPProbe;
  tcp?: TCPProbe;
  exec?: ExecProbe;
  initialDelaySeconds?: InitialDelaySeconds;
  /**
   * How often to probe.
   */
  periodSeconds?: number;
  timeoutSeconds?: TimeoutSeconds;
  failureThreshold?: FailureThreshold;
}
/**
 * How a pod that ended is started again: the first time at once, then after a pause that doubles.
 */
export interface Restart {
  /**
   * The first pause.
   */
  backoffSeconds?: number;
  /**
   * The longest pause.
   */
  backoffMaxSeconds?: number;
}
/**
 * How a pod is told to end.
 */
export interface Stop {
  /**
   * What the program is sent.
   */
  signal?:
    | "SIGTERM"
    | "SIGINT"
    | "SIGQUIT"
    | "SIGHUP"
    | "SIGUSR1"
    | "SIGUSR2"
    | "SIGKILL"
    | "SIGABRT"
    | "SIGALRM"
    | "SIGPWR"
    | "SIGWINCH"
    | "SIGRTMIN+3";
  /**
   * How long after the signal the program is killed.
   */
  graceSeconds?: number;
  /**
   * How long the pod runs on after it has left DNS, before the signal. Left out: 3 for a pod with ports, else 0, and `delete` does not wait.
   */
  drainSeconds?: number;
}
/**
 * How pods of an old revision are replaced by those of a new one.
 */
export interface Strategy {
  /**
   * So many pods more than `replicas`, as a count or a percentage (rounded up).
   */
  maxSurge?: number | string;
  /**
   * So many pods fewer than `replicas`, as a count or a percentage (rounded down).
   */
  maxUnavailable?: number | string;
  /**
   * A rollout that gets no further for so long has failed, and stays as it is.
   */
  progressDeadlineSeconds?: number;
}
/**
 * Which nodes pods may run on.
 */
export interface Placement {
  /**
   * Labels that a node must have.
   */
  nodeSelector?: {
    [k: string]: LabelValue;
  };
  /**
   * `node`: replicas go to different nodes as far as there are some. `none`: only balance counts.
   */
  spread?: "node" | "none";
  /**
   * At most so many replicas on one node. Left out: any number.
   */
  maxPerNode?: number;
}
/**
 * A Deployment in one line, where the full form would say nothing more.
 */
export interface ShortForm {
  name: Name;
  image: Image;
  replicas?: Replicas;
}

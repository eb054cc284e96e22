// How a store on servers is reached, as the settings say. Files are read when it is opened.

export interface StoreAccess {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly passwordFile?: string | undefined;
  /** Files with PEM texts. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Without credentials also where other machines can reach the servers. */
  readonly insecure?: boolean | undefined;
}

// What ajv's standalone validators look like from outside: a predicate that leaves its errors behind.

/** One error of a validator, as ajv gives it with `verbose`. */
export interface ShapeError {
  readonly keyword: string;
  /** A JSON pointer: `/spec/ports/0`. */
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Set when a key of a map, not its value, is wrong. */
  readonly propertyName?: string;
  readonly parentSchema?: ShapeSchema;
  readonly data?: unknown;
}

/** The keywords of a schema that an explanation needs. */
export interface ShapeSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly "x-rule"?: string;
}

export interface ShapeValidator {
  (value: unknown): boolean;
  errors?: readonly ShapeError[] | null;
}

// Walks the schema of a manifest: what `generate.ts` and the page about manifests need to know of it.

export interface Schema {
  readonly $id?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly "x-rolls"?: boolean;
}

export interface Field {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
  /** Whether a change of it makes a new revision, and so replaces pods. */
  readonly rolls: boolean;
}

/** The schema with what its `$ref` names merged in; its own keywords win. */
export function resolved(root: Schema, schema: Schema): Schema {
  const name = schema.$ref?.slice("#/$defs/".length);
  if (name === undefined) return schema;
  const target = root.$defs?.[name];
  if (!target) throw new Error(`the schema names $defs/${name}, which is not there`);
  const { $ref: _, ...own } = schema;
  return { ...resolved(root, target), ...own };
}

/** Every field of the full form, in the order of the schema. */
export function fields(root: Schema): Field[] {
  return fieldsBelow(root, { $ref: "#/$defs/deployment" }, "", false);
}

/** `spec.ports[].hostPort`, … */
export function fieldPaths(root: Schema): string[] {
  return fields(root).map((field) => field.path);
}

/** The schema of a pod template: those fields of a spec that make a revision, and closed as all are. */
export function templateSchema(root: Schema): Schema {
  const spec = resolved(root, { $ref: "#/$defs/spec" });
  const rolling = Object.entries(spec.properties ?? {}).filter(([, field]) => resolved(root, field)["x-rolls"]);
  return {
    title: "Pod template",
    type: "object",
    additionalProperties: false,
    required: ["image"],
    properties: Object.fromEntries(rolling),
  };
}

function fieldsBelow(root: Schema, schema: Schema, path: string, rolls: boolean): Field[] {
  const { properties = {}, required = [] } = resolved(root, schema);
  return Object.entries(properties).flatMap(([name, property]) => {
    const own = resolved(root, property);
    const field: Field = {
      path: path === "" ? name : `${path}.${name}`,
      schema: own,
      required: required.includes(name),
      rolls: rolls || own["x-rolls"] === true,
    };
    const inner: Field[] = own.items
      ? fieldsBelow(root, own.items, `${field.path}[]`, field.rolls)
      : fieldsBelow(root, own, field.path, field.rolls);
    return [field, ...inner];
  });
}

// Generated from schemas/deployment.schema.json by `npm run generate`. Do not edit.
import type { ShapeValidator } from "./shape.ts";

export declare const validateDeployment: ShapeValidator;
export declare const validateShort: ShapeValidator;
/** The fields of a spec that make the pod template. */
export declare const validateTemplateShape: ShapeValidator;
/** Where each field belongs, as `spec.ports[].hostPort`. */
export declare const fieldPaths: readonly string[];
/** Of the schema and of the code that reads manifests: results kept by another program are not used. */
export declare const programHash: string;

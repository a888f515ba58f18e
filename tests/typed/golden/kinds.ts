// Written by `tidings types --ts`. Write it again rather than edit it.
import type { Job, SubmitOptions, Tidings } from "tidings";

export type ClassOfNamesInput = {
  "__proto__"?: boolean;
  "class": string;
  "order-id"?: number;
};

export type ClassOfNamesResult = {
  "gr\u00f6\u00dfe"?: number;
  "street": string;
};

export type CountInput = {
  "to": number;
};

export type CountResult = string;

export type CountChunk = number;

export type DeliverInput = {
  "address": DeliverInputAddress;
  "note"?: string;
};

export type DeliverInputAddress = {
  "street": string;
  "number"?: number | null;
};

export type DeliverResult = [(number), (string)];

export type GrowInput = {
  "name": string;
};

export type GrowResult = (GrowResultTree)[];

export type GrowResultTree = {
  "name": string;
  "children"?: (GrowResultTree)[];
  "parent"?: GrowResultTree | null;
};

export type GrowChunk = GrowChunkTree;

export type GrowChunkTree = {
  "name": string;
  "children"?: (GrowChunkTree)[];
  "parent"?: GrowChunkTree | null;
};

export type ListInput = {
  "id": string;
  /** For people. * / alert(1) /* */
  "tags"?: (string)[];
  "shares"?: { [name: string]: number };
};

export type ListResult = (ListResultModel)[];

export type ListResultModel = {
  "id": string;
  /** For people. * / alert(1) /* */
  "tags"?: (string)[];
  "shares"?: { [name: string]: number };
};

export type NothingInput = { [name: string]: never };

export type NothingResult = null;

export type OddInput = {
  "gr\u00f6\u00dfe"?: number;
  "street": string;
};

export type OddResult = { [name: string]: unknown };

export type PaintInput = {
  "colour": PaintInputColour;
  "size"?: 3 | "m" | "s" | null;
  "either": PaintInputLeft | PaintInputRight;
  "rows": (PaintInputRow)[];
  "pair"?: [(number), (string)];
  "at"?: string | null;
  "anything"?: unknown;
  "table"?: { [name: string]: (number)[] } | null;
};

export type PaintInputColour = "blue" | "red";

export type PaintInputLeft = {
  "type": "left";
  "value": number;
};

export type PaintInputRight = {
  "type": "right";
  "value": number;
};

export type PaintInputRow = [(string), (number)?];

export type PaintResult = PaintResultLeft | PaintResultRight | null;

export type PaintResultLeft = {
  "type": "left";
  "value": number;
};

export type PaintResultRight = {
  "type": "right";
  "value": number;
};

export type PlantInput = PlantInputTree;

export type PlantInputTree = {
  "name": string;
  "children"?: (PlantInputTree)[];
  "parent"?: PlantInputTree | null;
};

export type PlantResult = PlantResultTree;

export type PlantResultTree = {
  "name": string;
  "children"?: (PlantResultTree)[];
  "parent"?: PlantResultTree | null;
};

export type PriceInput = {
  "item": string;
  "amount"?: number;
};

export type PriceResult = number;

/** Kind: what it takes and what it gives. */
export interface Kinds {
  "class.of-names": { input: ClassOfNamesInput; result: ClassOfNamesResult };
  /** Yields numbers, and ends with a text. */
  "count": { input: CountInput; result: CountResult; chunk: CountChunk };
  "deliver": { input: DeliverInput; result: DeliverResult };
  /** Yields trees. */
  "grow": { input: GrowInput; result: GrowResult; chunk: GrowChunk };
  "list": { input: ListInput; result: ListResult };
  "nothing": { input: NothingInput; result: NothingResult };
  "odd": { input: OddInput; result: OddResult };
  /** Paint: * / it is said to end a comment. */
  "paint": { input: PaintInput; result: PaintResult };
  "plant": { input: PlantInput; result: PlantResult };
  /** Return the price of an item. */
  "price": { input: PriceInput; result: PriceResult };
}

/** A job whose result has a type, and what its generator yields. */
export interface TypedJob<Result, Chunk = unknown> extends Omit<Job, "result" | "stream" | "chunks"> {
  readonly result: Promise<Result>;
  stream(name?: "main", options?: { from?: number }): ReadableStream<Chunk> & AsyncIterable<Chunk>;
  stream(name: string, options?: { from?: number }): ReadableStream<unknown> & AsyncIterable<unknown>;
  chunks(name?: "main"): Chunk[];
  chunks(name: string): unknown[];
}

/** A client whose `submit` knows the kinds. */
export interface TypedTidings extends Omit<Tidings, "submit"> {
  submit<Kind extends keyof Kinds>(
    kind: Kind,
    input: Kinds[Kind]["input"],
    options?: SubmitOptions,
  ): TypedJob<Kinds[Kind]["result"], Kinds[Kind] extends { chunk: infer Chunk } ? Chunk : unknown>;
}

/** Returns the client itself, typed. */
export function typed(tidings: Tidings): TypedTidings {
  return tidings as unknown as TypedTidings;
}
